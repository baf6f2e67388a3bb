// What clients do to a world: fires, deliveries, changes of routines.
#include "tests/sim/world.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "routines/session.h"
#include "src/base/time_conversion.h"

namespace routines::sim {

// ---- clients ----

void World::Send(const std::shared_ptr<Client>& client) {
  ++client->tries;
  Host* const host = AnyHost();
  if (host == nullptr) {
    At(now() + absl::Seconds(30), [this, client] { Send(client); });
    return;
  }
  client->fire ? SendFire(*host, client) : SendDelivery(*host, client);
}

void World::SendFire(Host& host, const std::shared_ptr<Client>& client) {
  host.engine().FireAsync(client->request, [this, client, life = host.life()](
                                               const absl::StatusOr<FireResult>& result) {
    Ack ack;
    if (!client->request.idempotency_key.empty()) {
      ack.key = absl::StrCat(client->request.trigger_id, "/", client->request.idempotency_key);
    }
    if (result.ok()) {
      ack.event_id = result->event_id;
      ack.session_id = result->session_id;
    }
    Answered(client, life, result.status(), std::move(ack));
  });
}

void World::SendDelivery(Host& host, const std::shared_ptr<Client>& client) {
  host.engine().DeliverAsync(client->delivery, [this, client, life = host.life()](
                                                   const absl::StatusOr<DeliverResult>& result) {
    Ack ack{.key = client->delivery.event.external_id()};
    if (result.ok()) ack.event_id = result->event_id;
    Answered(client, life, result.status(), std::move(ack));
  });
}

void World::Answered(const std::shared_ptr<Client>& client, const std::shared_ptr<Life>& life,
                     const absl::Status& status, Ack ack) {
  const bool heard = !life->dead();
  Trace(absl::StrCat(client->fire ? "fire " : "delivery ", client->number, ": ",
                     heard ? status.ToString() : "no answer"));
  if (heard && status.ok()) {
    ack.time = now();
    (client->fire ? history_.fires : history_.deliveries).push_back(std::move(ack));
    if (client->repeats-- <= 0) return;
  } else if (heard && !absl::IsUnavailable(status)) {
    return;  // refused
  }
  if (client->tries > 20) return;  // gives up
  At(now() + random_.Between(absl::Seconds(1), absl::Minutes(3)), [this, client] { Send(client); });
}

// Promise 4, as far as an engine shows it: an error, and nothing stored.
void World::SendHostile(int number) {
  Host* const host = AnyHost();
  if (host == nullptr) return;
  const std::string id = absl::StrCat("hostile", number);
  history_.hostile.push_back(id);
  absl::Status status;
  if (random_.OneIn(2)) {
    FireRequest request{.trigger_id = "trig_fire00000", .idempotency_key = id};
    request.text = random_.OneIn(2) ? std::string(70'000, 'x') : std::string("a\xff\xfe");
    host->engine().FireAsync(request, [&](const auto& result) { status = result.status(); });
  } else {
    DeliverRequest request;
    request.event.set_source("sim");
    request.event.set_type("t0");
    request.event.set_external_id(id);
    request.event.set_payload(random_.OneIn(2) ? std::string(100'000, '[') : "{\"a\":1,\"a\":2}");
    host->engine().DeliverAsync(request, [&](const auto& result) { status = result.status(); });
  }
  if (!absl::IsInvalidArgument(status)) {
    history_.problems.push_back(absl::StrCat("hostile input got ", status.ToString()));
  }
}

// ---- changes ----

void World::NoteSpans(const v1::Routine& routine, absl::Time asked, absl::Time confirmed) {
  for (int i = 0; i < routine.triggers_size(); ++i) {
    if (!routine.triggers(i).has_schedule()) continue;
    history_.spans.push_back(
        {routine.triggers(i).id(), routine.triggers(i).schedule(), asked, confirmed});
  }
}

void World::EditRoutine() {
  if (routines_.empty()) return;
  v1::Routine routine = routines_.begin()->second;
  routine.set_prompt(absl::StrCat(routine.prompt(), "."));
  if (random_.OneIn(2)) *routine.mutable_triggers(0)->mutable_schedule() = MakeSchedule();
  Save(routine, now());
}

// Until it is known to be saved.
void World::Save(const v1::Routine& routine, absl::Time asked) {
  Host* const host = AnyHost();
  absl::Status status = absl::UnavailableError("nobody is there");
  if (host != nullptr) {
    const std::shared_ptr<Life> life = host->life();
    status = host->Call([&](Engine& engine) { return engine.Put(routine).status(); });
    if (life->dead()) status = absl::UnavailableError("no answer");
  }
  Trace(absl::StrCat("save: ", status.ToString()));
  if (absl::IsUnavailable(status)) {
    At(now() + absl::Seconds(10), [this, routine, asked] { Save(routine, asked); });
    return;
  }
  if (!status.ok()) history_.problems.push_back(absl::StrCat("save: ", status.ToString()));
  const bool same = routines_[routine.name()].triggers(0).schedule().SerializeAsString() ==
                    routine.triggers(0).schedule().SerializeAsString();
  routines_[routine.name()] = routine;
  if (same) return;
  for (ScheduleSpan& span : history_.spans) {
    if (span.trigger_id != routine.triggers(0).id() || span.end_asked != absl::InfiniteFuture())
      continue;
    span.end_asked = asked;
    span.end_confirmed = now();
  }
  NoteSpans(routine, asked, now());
}

void World::RemoveRoutine() {
  if (routines_.size() < 2) return;
  const std::string name = routines_.rbegin()->first;
  Remove(name, now());
}

void World::Remove(const std::string& name, absl::Time asked) {
  Host* const host = AnyHost();
  absl::Status status = absl::UnavailableError("nobody is there");
  if (host != nullptr) {
    const std::shared_ptr<Life> life = host->life();
    status = host->Call([&](Engine& engine) { return engine.DeleteRoutine("acme", name); });
    if (life->dead()) status = absl::UnavailableError("no answer");
  }
  Trace(absl::StrCat("remove: ", status.ToString()));
  if (absl::IsUnavailable(status)) {
    At(now() + absl::Seconds(10), [this, name, asked] { Remove(name, asked); });
    return;
  }
  // Gone already: an earlier try was stored, though nobody heard of it.
  if (!status.ok() && !absl::IsNotFound(status)) {
    history_.problems.push_back(absl::StrCat("remove: ", status.ToString()));
  }
  for (ScheduleSpan& span : history_.spans) {
    const v1::Routine& routine = routines_[name];
    if (span.trigger_id != routine.triggers(0).id()) continue;
    span.end_asked = std::min(span.end_asked, asked);
    span.end_confirmed = std::min(span.end_confirmed, now());
    span.trigger_lives_on = false;
  }
  routines_.erase(name);
}

void World::PauseRoutine(const std::string& name, bool paused, absl::Time asked) {
  Host* const host = AnyHost();
  if (!routines_.contains(name)) return;
  const auto pause = [&](Engine& engine) { return engine.SetRoutinePaused("acme", name, paused); };
  if (host == nullptr || !host->Call(pause).ok()) {
    At(now() + absl::Seconds(10),
       [this, name, paused, asked] { PauseRoutine(name, paused, asked); });
    return;
  }
  Trace(paused ? "paused" : "resumed");
  if (paused) {
    history_.pauses.push_back({name, now(), absl::InfiniteFuture()});
  } else if (!history_.pauses.empty()) {
    history_.pauses.back().end_asked = std::min(history_.pauses.back().end_asked, asked);
  }
}

void World::CancelSession() {
  Host* const host = AnyHost();
  if (host == nullptr) return;
  const auto sessions = disk_->Read(SessionQuery{.limit = 5});
  if (!sessions.ok() || sessions->sessions.empty()) return;
  (void)host->engine().Cancel(sessions->sessions[random_.Below(sessions->sessions.size())].id());
}

}  // namespace routines::sim
