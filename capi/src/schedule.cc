// Schedules, signatures and the simulated clock.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "capi/src/call.h"
#include "capi/src/clock.h"
#include "routines/schedule.h"
#include "routines/signature.h"

namespace routines::capi {
namespace {

constexpr size_t kMostInstants = 1'000'000;

class ScheduleObject : public Object {
 public:
  explicit ScheduleObject(Schedule s) : schedule(std::move(s)) {}
  const Schedule schedule;
};

}  // namespace

template <>
struct Named<ScheduleObject> {
  static constexpr Noun kNoun = Noun::kSchedule;
  using Handle = routines_schedule;
};

namespace {

// `instant` gets what `find` answers.
template <typename Find>
routines_code FindInstant(const routines_schedule* schedule, int64_t* instant, Find find) {
  if (instant != nullptr) *instant = 0;
  return Call(nullptr, [&]() -> Answer {
    ROUTINES_C_RETURN_IF_ERROR(CheckOut(instant, "instant"));
    const Ref<ScheduleObject> object(schedule);
    ROUTINES_C_RETURN_IF_ERROR(object.code());
    *instant = Nanoseconds(find(object->schedule));
    return ROUTINES_OK;
  });
}

}  // namespace
}  // namespace routines::capi

using namespace routines;        // NOLINT: what follows has C names
using namespace routines::capi;  // NOLINT

routines_code routines_schedule_parse(routines_string cron, routines_string time_zone,
                                      routines_schedule** schedule, routines_error** error) {
  if (schedule != nullptr) *schedule = nullptr;
  return Call(error, [&]() -> Answer {
    ROUTINES_C_RETURN_IF_ERROR(CheckOut(schedule, "schedule"));
    ROUTINES_C_RETURN_IF_ERROR(CheckTexts({{cron, "cron"}, {time_zone, "time_zone"}}));
    const absl::StatusOr<absl::TimeZone> zone = Schedule::LoadTimeZone(ViewOf(time_zone));
    if (!zone.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("time_zone: ", std::string(zone.status().message())));
    }
    absl::StatusOr<Schedule> parsed = Schedule::Parse(ViewOf(cron), *zone);
    if (!parsed.ok()) return parsed.status();
    *schedule = Make<ScheduleObject>(*std::move(parsed));
    return ROUTINES_OK;
  });
}

routines_code routines_schedule_destroy(routines_schedule* schedule) {
  return Call(nullptr, [&]() -> Answer { return End<ScheduleObject>(schedule); });
}

routines_code routines_schedule_next(const routines_schedule* schedule, int64_t after_ns,
                                     int64_t* next_ns) {
  return FindInstant(schedule, next_ns,
                     [&](const Schedule& found) { return found.Next(TimeOf(after_ns)); });
}

routines_code routines_schedule_previous(const routines_schedule* schedule, int64_t before_ns,
                                         int64_t* previous_ns) {
  return FindInstant(schedule, previous_ns,
                     [&](const Schedule& found) { return found.Previous(TimeOf(before_ns)); });
}

routines_code routines_schedule_between(const routines_schedule* schedule, int64_t from_ns,
                                        int64_t to_ns, int64_t* instants_ns, size_t capacity,
                                        size_t* count) {
  if (count != nullptr) *count = 0;
  return Call(nullptr, [&]() -> Answer {
    ROUTINES_C_RETURN_IF_ERROR(CheckOut(count, "count"));
    if (capacity > 0) ROUTINES_C_RETURN_IF_ERROR(CheckOut(instants_ns, "instants_ns"));
    if (capacity > kMostInstants) return absl::InvalidArgumentError("capacity: is too great");
    const Ref<ScheduleObject> object(schedule);
    ROUTINES_C_RETURN_IF_ERROR(object.code());
    const std::vector<absl::Time> instants =
        object->schedule.Between(TimeOf(from_ns), TimeOf(to_ns), capacity);
    *count = std::min(capacity, instants.size());
    std::transform(instants.begin(), instants.begin() + *count, instants_ns, Nanoseconds);
    return ROUTINES_OK;
  });
}

routines_code routines_schedule_describe(const routines_schedule* schedule, routines_text** text,
                                         routines_error** error) {
  if (text != nullptr) *text = nullptr;
  return Call(error, [&]() -> Answer {
    ROUTINES_C_RETURN_IF_ERROR(CheckOut(text, "text"));
    const Ref<ScheduleObject> object(schedule);
    ROUTINES_C_RETURN_IF_ERROR(object.code());
    GiveText(object->schedule.Describe(), text);
    return ROUTINES_OK;
  });
}

// ---- signatures ----

routines_code routines_github_verify_signature(routines_bytes secret, routines_bytes body,
                                               routines_bytes header, int* valid) {
  if (valid != nullptr) *valid = 0;
  return Call(nullptr, [&]() -> Answer {
    ROUTINES_C_RETURN_IF_ERROR(CheckOut(valid, "valid"));
    ROUTINES_C_RETURN_IF_ERROR(CheckBytes(secret, "secret"));
    ROUTINES_C_RETURN_IF_ERROR(CheckBytes(body, "body"));
    ROUTINES_C_RETURN_IF_ERROR(CheckBytes(header, "header"));
    *valid = VerifyGithubSignature(ViewOf(secret), ViewOf(body), ViewOf(header)) ? 1 : 0;
    return ROUTINES_OK;
  });
}

routines_code routines_github_sign_body(routines_bytes secret, routines_bytes body,
                                        routines_text** header, routines_error** error) {
  if (header != nullptr) *header = nullptr;
  return Call(error, [&]() -> Answer {
    ROUTINES_C_RETURN_IF_ERROR(CheckOut(header, "header"));
    ROUTINES_C_RETURN_IF_ERROR(CheckBytes(secret, "secret"));
    ROUTINES_C_RETURN_IF_ERROR(CheckBytes(body, "body"));
    GiveText(SignGithubBody(ViewOf(secret), ViewOf(body)), header);
    return ROUTINES_OK;
  });
}

// ---- the clock ----

routines_code routines_clock_create_simulated(int64_t start_ns, routines_clock** clock,
                                              routines_error** error) {
  if (clock != nullptr) *clock = nullptr;
  return Call(error, [&]() -> Answer {
    ROUTINES_C_RETURN_IF_ERROR(CheckOut(clock, "clock"));
    if (start_ns == ROUTINES_NEVER || start_ns == ROUTINES_BEFORE_TIME) {
      return absl::InvalidArgumentError("start_ns: must be an instant");
    }
    *clock = Make<ClockObject>(TimeOf(start_ns));
    return ROUTINES_OK;
  });
}

routines_code routines_clock_destroy(routines_clock* clock) {
  return Call(nullptr, [&]() -> Answer { return End<ClockObject>(clock); });
}

routines_code routines_clock_now(routines_clock* clock, int64_t* now_ns) {
  if (now_ns != nullptr) *now_ns = 0;
  return Call(nullptr, [&]() -> Answer {
    ROUTINES_C_RETURN_IF_ERROR(CheckOut(now_ns, "now_ns"));
    const Ref<ClockObject> object(clock);
    ROUTINES_C_RETURN_IF_ERROR(object.code());
    *now_ns = Nanoseconds(object->clock->TimeNow());
    return ROUTINES_OK;
  });
}

routines_code routines_clock_advance(routines_clock* clock, int64_t duration_ns,
                                     routines_error** error) {
  return Call(error, [&]() -> Answer {
    const Ref<ClockObject> object(clock);
    ROUTINES_C_RETURN_IF_ERROR(object.code());
    if (duration_ns < 0 || duration_ns == ROUTINES_NEVER) {
      return absl::InvalidArgumentError("duration_ns: must be a duration that is not negative");
    }
    object->clock->AdvanceTime(absl::Nanoseconds(duration_ns));
    return ROUTINES_OK;
  });
}
