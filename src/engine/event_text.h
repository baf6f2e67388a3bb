// What a session is told of the event that started it.
#ifndef ROUTINES_SRC_ENGINE_EVENT_TEXT_H_
#define ROUTINES_SRC_ENGINE_EVENT_TEXT_H_

#include <string>

#include "routines/v1/event.pb.h"

namespace routines {

// How much of a custom event's payload is told.
inline constexpr size_t kMaxPayloadText = 64 << 10;

// Of an API fire or a run by hand, its text. Of a GitHub event, its identity: one JSON object whose
// members stand on a line each, so that no value can pass for another member. Of a custom event,
// the same with source, type, id and attributes, and then its payload. All of it is untrusted.
std::string EventText(const v1::Event& event);

}  // namespace routines

#endif  // ROUTINES_SRC_ENGINE_EVENT_TEXT_H_
