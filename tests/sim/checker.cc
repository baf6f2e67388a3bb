#include "tests/sim/checker.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "routines/schedule.h"
#include "routines/session.h"
#include "src/base/time_conversion.h"
#include "src/engine/admission.h"

namespace routines::sim {
namespace {

constexpr int kAll = 1'000'000;

class Checker {
 public:
  Checker(const History& history, Store& store) : history_(history), store_(store) {}

  std::vector<std::string> Run() {
    problems_ = history_.problems;
    Load();
    CheckAcks(history_.fires, true);
    CheckAcks(history_.deliveries, false);
    for (const auto& [id, event] : events_) CheckEvent(event);
    CheckKeys();
    for (const ScheduleSpan& span : history_.spans) CheckSpan(span);
    CheckInstants();
    for (const PauseSpan& pause : history_.pauses) CheckPause(pause);
    for (const auto& [id, session] : sessions_) CheckSession(session);
    return std::move(problems_);
  }

 private:
  template <typename... Parts>
  void Wrong(const Parts&... parts) {
    problems_.push_back(absl::StrCat(parts...));
  }

  void Load();
  void CheckAcks(const std::vector<Ack>& acks, bool fires);
  void CheckEvent(const v1::Event& event);
  void CheckKeys();
  void CheckSpan(const ScheduleSpan& span);
  void CheckInstants();
  void CheckPause(const PauseSpan& pause);
  void CheckSession(const v1::Session& session);
  void CheckLog(const v1::Session& session);
  void CheckAgent(const v1::Session& session, int outputs);

  const History& history_;
  Store& store_;
  std::vector<std::string> problems_;
  std::map<std::string, v1::Event> events_;
  std::map<std::string, v1::Session> sessions_;
  std::map<std::string, std::vector<v1::Decision>> decisions_;   // by event
  std::map<std::string, int> fired_;                             // decisions that name a session
  std::map<std::pair<std::string, std::string>, int> instants_;  // trigger, instant → events
  std::set<std::pair<std::string, std::string>> allowed_;
};

void Checker::Load() {
  Rows all = *store_.Read(EventQuery{.limit = kAll});
  for (v1::Event& event : all.events) {
    auto rows = store_.Read(DecisionQuery{.event_id = event.id(), .limit = kAll});
    for (const v1::Decision& decision : rows->decisions) {
      if (!decision.session_id().empty()) ++fired_[decision.session_id()];
    }
    decisions_[event.id()] = std::move(rows->decisions);
    std::string id = event.id();
    events_.emplace(std::move(id), std::move(event));
  }
  all = *store_.Read(SessionQuery{.limit = kAll});
  for (v1::Session& session : all.sessions) {
    std::string id = session.id();
    sessions_.emplace(std::move(id), std::move(session));
  }
}

// Promise 1: what was acknowledged is there, whatever died since; the same key, the same answer.
void Checker::CheckAcks(const std::vector<Ack>& acks, bool fires) {
  std::map<std::string, const Ack*> first;
  for (const Ack& ack : acks) {
    if (!events_.contains(ack.event_id)) Wrong("acknowledged event ", ack.event_id, " is lost");
    if (fires && !sessions_.contains(ack.session_id)) {
      Wrong("acknowledged session ", ack.session_id, " is lost");
    }
    if (ack.key.empty()) continue;
    const Ack& other = *first.emplace(ack.key, &ack).first->second;
    if (other.event_id != ack.event_id || other.session_id != ack.session_id) {
      Wrong("key ", ack.key, " was answered by ", other.event_id, " and by ", ack.event_id);
    }
  }
}

// Promise 3: every event ends in decisions, one for each trigger; a session stands for one of them.
void Checker::CheckEvent(const v1::Event& event) {
  const std::vector<v1::Decision>& decisions = decisions_[event.id()];
  if (decisions.empty()) Wrong("event ", event.id(), " (", event.source(), ") has no decision");
  if (!event.trigger_id().empty() && decisions.size() != 1) {
    Wrong("event ", event.id(), " has ", decisions.size(), " decisions for its trigger");
  }
  std::set<std::string> triggers;
  for (const v1::Decision& decision : decisions) {
    if (!triggers.insert(decision.trigger_id()).second) {
      Wrong("event ", event.id(), " has two decisions for ", decision.trigger_id());
    }
    const bool fired = decision.reason() == v1::DECISION_REASON_FIRED;
    // One that waits for a limit has a session too, which waits.
    const bool may = fired || decision.reason() == v1::DECISION_REASON_LIMIT;
    if ((fired && decision.session_id().empty()) || (!may && !decision.session_id().empty())) {
      Wrong("a decision of ", event.id(), " is ", std::string(DecisionName(decision.reason())),
            " with session \"", decision.session_id(), "\"");
    }
    const auto session = sessions_.find(decision.session_id());
    if (!decision.session_id().empty() &&
        (session == sessions_.end() || session->second.event_id() != event.id())) {
      Wrong("the session of a decision of ", event.id(), " is not there");
    }
  }
}

// Promise 2, of fires and deliveries.
void Checker::CheckKeys() {
  std::map<std::string, std::string> seen;
  for (const auto& [id, event] : events_) {
    if (event.external_id().empty() || event.source() == "schedule") continue;
    const bool fired =
        std::any_of(decisions_[id].begin(), decisions_[id].end(),
                    [](const v1::Decision& d) { return d.reason() == v1::DECISION_REASON_FIRED; });
    if (event.source() == "api" && !fired) continue;  // may be sent again with its key
    const std::string key =
        absl::StrCat(event.source(), "/", event.trigger_id(), "/", event.external_id());
    const auto [place, added] = seen.emplace(key, id);
    if (!added) Wrong("key ", key, " made two events: ", place->second, " and ", id);
  }
  for (const auto& [id, event] : events_) {
    if (std::find(history_.hostile.begin(), history_.hostile.end(), event.external_id()) !=
        history_.hostile.end()) {
      Wrong("hostile event ", event.external_id(), " was stored");
    }
  }
}

// Promises 2 and 3, of instants: each that came up has one event, and only those.
void Checker::CheckSpan(const ScheduleSpan& span) {
  if (instants_.empty()) {
    for (const auto& [id, event] : events_) {
      if (event.source() == "schedule") ++instants_[{event.trigger_id(), event.external_id()}];
    }
  }
  const auto schedule = Schedule::FromTrigger(span.schedule);
  // What lies in the blur at the edges may or may not have come up.
  const absl::Time maybe_until =
      std::min(span.end_confirmed + history_.skew + history_.lag, history_.end);
  const absl::Time sure_from = span.confirmed + history_.skew;
  absl::Time sure_until = std::min(span.end_asked - history_.skew, history_.end - absl::Minutes(5));
  if (!span.trigger_lives_on) sure_until = absl::InfinitePast();
  for (const absl::Time instant :
       schedule->Between(span.asked - history_.skew, maybe_until + absl::Seconds(1))) {
    const std::pair<std::string, std::string> key(
        span.trigger_id, absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", instant, absl::UTCTimeZone()));
    allowed_.insert(key);
    const absl::Duration spread =
        span.schedule.has_spread() ? FromProto(span.schedule.spread()) : absl::ZeroDuration();
    if (instant > sure_from && instant + spread < sure_until && !instants_.contains(key)) {
      Wrong("instant ", key.second, " of ", key.first, " has no decision");
    }
  }
}

void Checker::CheckInstants() {
  for (const auto& [key, events] : instants_) {
    if (events != 1) Wrong("instant ", key.second, " of ", key.first, " has ", events, " events");
    if (!allowed_.contains(key)) Wrong("instant ", key.second, " of ", key.first, " is none");
  }
}

// What a paused routine's schedules bring starts nothing, on any engine.
void Checker::CheckPause(const PauseSpan& pause) {
  for (const auto& [id, event] : events_) {
    const absl::Time time = FromProto(event.time());
    if (event.source() != "schedule" || time <= pause.confirmed + history_.skew + history_.lag ||
        time >= pause.end_asked - history_.skew) {
      continue;
    }
    for (const v1::Decision& decision : decisions_[id]) {
      if (decision.routine() == pause.routine && !decision.session_id().empty()) {
        Wrong("event ", id, " started ", decision.session_id(), " of a paused routine");
      }
    }
  }
}

// Promise 3: a terminal state, in time; promise 2: of one decision, and one run of its agent.
void Checker::CheckSession(const v1::Session& session) {
  if (fired_[session.id()] != 1) {
    Wrong("session ", session.id(), " has ", fired_[session.id()], " decisions");
  }
  if (!IsTerminal(session.state())) {
    const absl::Time able = std::max(FromProto(session.create_time()),
                                     FromProto(session.not_before()));  // 0: it may begin at once
    if (able < history_.end - history_.settle) {
      Wrong("session ", session.id(), " is still ", std::string(StateName(session.state())));
    }
    return;
  }
  if (session.reason().empty() && session.state() != v1::SESSION_STATE_SUCCEEDED) {
    Wrong("session ", session.id(), " ended without a reason");
  }
  CheckLog(session);
}

void Checker::CheckLog(const v1::Session& session) {
  const auto log = store_.Read(SessionEventQuery{.session_id = session.id(), .limit = kAll});
  int64_t sequence = 0;
  int outputs = 0, ends = 0;
  v1::SessionState last = v1::SESSION_STATE_UNSPECIFIED;
  for (const v1::SessionEvent& event : log->session_events) {
    if (event.sequence() != ++sequence) {
      Wrong("session ", session.id(), ": its log has ", event.sequence(), " for ", sequence);
    }
    if (event.has_output()) {
      const std::string expected = absl::StrCat("line ", ++outputs, "\n");
      if (event.output().text() != expected) {
        Wrong("session ", session.id(), ": ", event.output().text(), " for ", expected);
      }
    }
    if (!event.has_state_change()) continue;
    if (ends > 0) Wrong("session ", session.id(), " went on after its end");
    last = event.state_change().state();
    if (IsTerminal(last)) ++ends;
  }
  if (session.last_sequence() != sequence) {
    Wrong("session ", session.id(), ": its log ends at ", sequence, ", not at ",
          session.last_sequence());
  }
  // A session that was cancelled in the queue has no log of its end.
  if (last != session.state() && !(session.state() == v1::SESSION_STATE_CANCELLED && ends == 0)) {
    Wrong("session ", session.id(), " is ", std::string(StateName(session.state())),
          " and its log says ", std::string(StateName(last)));
  }
  CheckAgent(session, outputs);
}

void Checker::CheckAgent(const v1::Session& session, int outputs) {
  const auto found = history_.agents.find(session.id());
  const AgentRun run = found == history_.agents.end() ? AgentRun() : found->second;
  if (run.starts > 1) Wrong("session ", session.id(), " ran ", run.starts, " times");
  if (outputs > run.outputs) Wrong("session ", session.id(), " logged what nobody said");
  if (session.state() != v1::SESSION_STATE_SUCCEEDED) return;
  if (!run.said_success) Wrong("session ", session.id(), " succeeded and its agent did not");
  if (outputs != run.outputs) {
    Wrong("session ", session.id(), " succeeded with ", outputs, " of ", run.outputs, " lines");
  }
}

}  // namespace

std::vector<std::string> Check(const History& history, Store& store) {
  return Checker(history, store).Run();
}

}  // namespace routines::sim
