// What holds for every text that is read as a cron expression.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "routines/schedule.h"

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const absl::TimeZone zone = [] {
    absl::TimeZone loaded;
    Require(absl::LoadTimeZone("Europe/Berlin", &loaded));
    return loaded;
  }();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto schedule = routines::Schedule::Parse(text, zone);
  if (!schedule.ok()) {
    Require(!schedule.status().message().empty());
    return 0;
  }
  Require(!schedule->Describe().empty());
  absl::Time time = absl::FromUnixSeconds(1'774'656'000);  // the day before a gap
  for (int i = 0; i < 50; ++i) {
    const absl::Time next = schedule->Next(time);
    Require((next == absl::InfiniteFuture()) == schedule->never());
    if (schedule->never()) break;
    Require(next > time);
    Require(schedule->Previous(next + absl::Nanoseconds(1)) == next);
    time = next;
  }
  return 0;
}
