#include <algorithm>
#include <utility>

#include "routines/testing/case_door.h"
#include "routines/testing/test_engine.h"
#include "src/base/status_macros.h"

namespace routines::testing {
namespace {

// Longer than any case: a session that does not end meets no deadline.
constexpr absl::Duration kForEver = absl::Hours(24 * 365 * 100);
constexpr int kMostDecisions = 1000;

class EngineDoor : public CaseDoor {
 public:
  explicit EngineDoor(const CaseSetup& setup) : engine_(CaseEngineOptions(setup)) {
    engine_.clock().SetTime(setup.start);
  }

  absl::StatusOr<v1::SavedRoutine> Put(const v1::Routine& routine, bool paused) override {
    ASSIGN_OR_RETURN(v1::SavedRoutine saved, engine_->Put(routine));
    if (paused) {
      RETURN_IF_ERROR(engine_->SetRoutinePaused(routine.account(), routine.name(), true));
    }
    return saved;
  }

  absl::StatusOr<Sent> Send(const v1::Event& event) override {
    if (event.source() == "api") return SendFire(event);
    ASSIGN_OR_RETURN(DeliverResult result, engine_->Deliver({.event = event}));
    return Sent{result.event_id, result.duplicate, std::move(result.decisions)};
  }

  absl::Status MoveTo(absl::Time time, bool asleep) override {
    if (asleep) {
      engine_.RunUntilIdle();  // what was saved is taken note of
      engine_.clock().SetTime(time);
      engine_.RunUntilIdle();
    } else {
      engine_.AdvanceTime(time - engine_.clock().TimeNow());
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<DecidedInstant>> Instants(const v1::Routine& routine) override {
    ASSIGN_OR_RETURN(
        std::vector<v1::Decision> decisions,
        engine_->ListDecisions(
            {.account = routine.account(), .routine = routine.name(), .limit = kMostDecisions}));
    std::vector<DecidedInstant> instants;
    for (v1::Decision& decision : decisions) {
      ASSIGN_OR_RETURN(const v1::Event event, engine_->GetEvent(decision.event_id()));
      if (event.source() != "schedule") continue;
      instants.push_back({std::move(decision), event.external_id()});
    }
    std::reverse(instants.begin(), instants.end());
    return instants;
  }

  absl::StatusOr<Explanation> Explain(std::string_view event_id,
                                      const v1::Routine& routine) override {
    ASSIGN_OR_RETURN(EventExplanation why,
                     engine_->ExplainEvent(event_id, routine.account(), routine.name()));
    return std::move(why.filters);
  }

 private:
  absl::StatusOr<Sent> SendFire(const v1::Event& event) {
    const absl::StatusOr<FireResult> fired =
        engine_->Fire({.trigger_id = event.trigger_id(),
                       .text = event.text(),
                       .idempotency_key = event.external_id()});
    const bool refused =
        absl::IsFailedPrecondition(fired.status()) || absl::IsResourceExhausted(fired.status());
    if (!fired.ok() && !refused) return fired.status();
    Sent sent;
    sent.duplicate = fired.ok() && fired->duplicate;
    // Nothing else has happened since.
    ASSIGN_OR_RETURN(
        sent.decisions,
        engine_->ListDecisions({.account = event.account(), .routine = event.type(), .limit = 1}));
    return sent;
  }

  TestEngine engine_;
};

}  // namespace

EngineOptions CaseEngineOptions(const CaseSetup& setup) {
  EngineOptions options;
  options.executors["fake"] = setup.sessions_end
                                  ? std::make_shared<FakeExecutor>()
                                  : std::shared_ptr<FakeExecutor>(FakeExecutor::Holding());
  options.limits = setup.limits;
  options.min_schedule_interval = setup.min_schedule_interval;
  options.default_max_duration = kForEver;
  options.lease_duration = kForEver;
  options.poll_interval = kForEver;
  return options;
}

std::unique_ptr<CaseDoor> NewEngineDoor(const CaseSetup& setup) {
  return std::make_unique<EngineDoor>(setup);
}

}  // namespace routines::testing
