#include "src/server/event_stream.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "routines/json.h"
#include "routines/session.h"
#include "src/base/status_macros.h"

namespace routines::server {
namespace {

constexpr int kMaxEvents = 500;
constexpr int64_t kMaxBytes = int64_t{256} << 10;

}  // namespace

EventStream::EventStream(Engine& engine, std::string session_id, int64_t after,
                         std::function<std::string(const v1::Session&)> session_json)
    : engine_(engine),
      session_id_(std::move(session_id)),
      after_(after),
      session_json_(std::move(session_json)) {}

EventStream::~EventStream() {
  if (subscription_ != 0) engine_.Unsubscribe(subscription_);
}

void EventStream::Watch(std::function<void()> changed) {
  subscription_ = engine_.Subscribe(session_id_, std::move(changed));
}

absl::StatusOr<EventStream::Piece> EventStream::Next() {
  Piece piece;
  ASSIGN_OR_RETURN(const std::vector<v1::SessionEvent> events,
                   engine_.ReadLog({.session_id = session_id_,
                                    .after = after_,
                                    .limit = kMaxEvents,
                                    .max_bytes = kMaxBytes}));
  for (const v1::SessionEvent& event : events) {
    after_ = event.sequence();
    absl::StrAppend(&piece.bytes, "id: ", after_, "\nevent: session_event\ndata: ", ToJson(event),
                    "\n\n");
  }
  if (!events.empty()) return piece;
  ASSIGN_OR_RETURN(const v1::Session session, engine_.GetSession(session_id_));
  if (session.last_sequence() > after_) return Next();  // it grew between the two reads
  if (IsTerminal(session.state())) {
    piece.bytes = absl::StrCat("event: end\ndata: ", session_json_(session), "\n\n");
    piece.end = true;
  }
  return piece;
}

}  // namespace routines::server
