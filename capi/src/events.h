// Routines and events as callers of the C ABI hand them in.
#ifndef ROUTINES_CAPI_SRC_EVENTS_H_
#define ROUTINES_CAPI_SRC_EVENTS_H_

#include "capi/src/call.h"
#include "routines/event.h"
#include "routines/trigger_source.h"
#include "routines/v1/routine.pb.h"

namespace routines::capi {

// Copies and checks the struct, its texts and attributes; the payload's content is not looked at.
absl::Status ReadEvent(const routines_event* in, routines_event* out);

// The attributes of a checked event, into `map`.
void CopyAttributes(const routines_event& event,
                    google::protobuf::Map<std::string, std::string>* map);

DeliverRequest DeliverRequestOf(const routines_event& event);

// Not ok: with all problems.
Answer LoadText(routines_string text, routines_string file, v1::Routine* routine);

}  // namespace routines::capi

#endif  // ROUTINES_CAPI_SRC_EVENTS_H_
