#include "src/engine/scheduler.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "src/base/ids.h"
#include "src/base/status_macros.h"
#include "src/base/time_conversion.h"
#include "src/engine/admission.h"
#include "src/engine/gates.h"

namespace routines {
namespace {

constexpr char kWatermark[] = "schedule_watermark";  // seconds of Unix time
constexpr int kMostInFlight = 4096;                  // admissions; the store commits them in groups
constexpr absl::Duration kSaveWatermarkEach = absl::Minutes(1);
constexpr absl::Duration kFirstRetry = absl::Seconds(1), kLastRetry = absl::Minutes(1);
// The clock may be stepped, or the machine suspended, while the loop waits for an instant.
constexpr absl::Duration kLookEach = absl::Seconds(30);
constexpr absl::Duration kLookAtZonesEach = absl::Minutes(1);
constexpr size_t kMostRevisions = 100;  // that are looked back at for one routine

absl::Duration LongestSpread(const v1::SavedRoutine& saved) {
  absl::Duration longest = absl::ZeroDuration();
  for (const v1::Trigger& trigger : saved.routine().triggers()) {
    if (trigger.schedule().has_spread()) {
      longest = std::max(longest, FromProto(trigger.schedule().spread()));
    }
  }
  return longest;
}

}  // namespace

Admission AdmitInstant(const TriggerRef& ref, const DueInstant& due, absl::Time now) {
  const v1::SavedRoutine& saved = *ref.saved;
  Admission admission;
  v1::Event& event = admission.event;
  event.set_id(NewId("event_", now));
  event.set_source("schedule");
  event.set_account(saved.routine().account());
  event.set_trigger_id(due.trigger_id);
  event.set_external_id(absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", due.instant, absl::UTCTimeZone()));
  *event.mutable_time() = ToProto(now);
  admission.dedupe_keys.push_back(
      {absl::StrCat("schedule/", due.trigger_id, "/", absl::ToUnixSeconds(due.instant))});
  Verdict verdict{due.reason, due.detail};
  if (verdict.reason == v1::DECISION_REASON_FIRED) {
    verdict = Decide(saved, ref.trigger(), {.view = ViewOf(event)});
  }
  v1::Decision decision = MakeDecision(saved, due.trigger_id, event, verdict.reason);
  decision.set_detail(verdict.detail);
  if (verdict.reason == v1::DECISION_REASON_FIRED) {
    v1::Session session = MakeSession(saved, due.trigger_id, event, now);
    decision.set_session_id(session.id());
    admission.sessions.push_back(std::move(session));
  }
  admission.decisions.push_back(std::move(decision));
  return admission;
}

Scheduler::Scheduler(const EngineOptions& options, const Catalog& catalog, Admit admit,
                     Refresh refresh)
    : options_(options),
      catalog_(catalog),
      admit_(std::move(admit)),
      refresh_(std::move(refresh)) {}

Scheduler::~Scheduler() {
  Stop();
  mailbox_->Close();
}

absl::Status Scheduler::Load(absl::Time known) {
  known_ = known;
  ASSIGN_OR_RETURN(const Rows settings, options_.store->Read(SettingQuery{kWatermark}));
  absl::Time watermark = absl::InfinitePast();
  int64_t seconds = 0;
  if (!settings.settings.empty() && absl::SimpleAtoi(settings.settings.front(), &seconds)) {
    // Where the clock was ahead when it was written, it is not now.
    watermark = std::min(absl::FromUnixSeconds(seconds), options_.clock->TimeNow());
  }
  for (const auto& saved : catalog_.Routines()) RETURN_IF_ERROR(LoadRoutine(*saved, watermark));
  return absl::OkStatus();
}

// A schedule counts from the revision that brought it. The revisions since the watermark are put
// one after the other, so that one that an edit left as it was goes on from the watermark.
absl::Status Scheduler::LoadRoutine(const v1::SavedRoutine& saved, absl::Time watermark) {
  std::vector<v1::SavedRoutine> earlier;  // newest first
  const auto oldest = [&]() -> const v1::SavedRoutine& {
    return earlier.empty() ? saved : earlier.back();
  };
  // What an edit found waiting for its spread is still to come, too.
  const absl::Time since = watermark - LongestSpread(saved);
  while (FromProto(oldest().update_time()) > since && oldest().revision() > 1 &&
         earlier.size() + 1 < kMostRevisions) {
    ASSIGN_OR_RETURN(Rows rows, options_.store->Read(RoutineQuery{saved.routine().account(),
                                                                  saved.routine().name(),
                                                                  oldest().revision() - 1}));
    if (rows.routines.empty()) break;
    earlier.push_back(std::move(rows.routines.front()));
  }
  for (auto revision = earlier.rbegin(); revision != earlier.rend(); ++revision) {
    queue_.Put(*revision, FromProto(revision->update_time()), watermark);
  }
  queue_.Put(saved, FromProto(saved.update_time()), watermark);
  return absl::OkStatus();
}

void Scheduler::Changed(const v1::SavedRoutine& saved) {
  // Since it was saved, which may be a while ago, or by a clock that is ahead.
  const absl::Time since = std::min(FromProto(saved.update_time()), options_.clock->TimeNow());
  mailbox_->Post([this, saved, since] { queue_.Put(saved, since); });
}

void Scheduler::Start() {
  thread_ = std::thread([this] { Loop(); });
}

void Scheduler::Stop() {
  if (std::exchange(stopped_, true)) return;
  mailbox_->Post([this] { stopping_ = true; });
  if (thread_.joinable()) thread_.join();
  RunMail();
  save_after_ = absl::InfinitePast();
  SaveWatermark(options_.clock->TimeNow());
}

void Scheduler::Loop() {
  while (!stopping_) {
    const absl::Time next = Step();
    if (stopping_) break;
    mailbox_->Wait(*options_.clock, std::min(next, options_.clock->TimeNow() + kLookEach));
  }
}

absl::Time Scheduler::Step() {
  do {
    RunMail();
    if (stopping_) break;
    const absl::Time now = options_.clock->TimeNow();
    // What came up in the time that is coming again has its decision, but for instants that were
    // told together with others.
    if (now < looked_ - ScheduleQueue::kGrace) {
      queue_.Rewind(now);
      looked_ = now;
    }
    looked_ = std::max(looked_, now);
    LookAtZones(now);
    if (KnowsChanges(now)) {
      TakeDue(now);
      SaveWatermark(now);
    }
  } while (mailbox_->TakeAwake() || NextDeadline() <= options_.clock->TimeNow());
  return NextDeadline();
}

// False: what others changed is not known, as the store does not say; then nothing is taken.
bool Scheduler::KnowsChanges(absl::Time now) {
  stale_ = now < known_ || now >= known_ + options_.poll_interval;
  if (!stale_) return true;
  if (now < refresh_at_ && now + kFirstRetry >= refresh_at_) return false;
  refresh_at_ = now + kFirstRetry;
  if (!refresh_().ok()) return false;
  known_ = now;
  stale_ = false;
  RunMail();
  return true;
}

void Scheduler::LookAtZones(absl::Time now) {
  if (now < zones_at_ && now + kLookAtZonesEach >= zones_at_) return;
  zones_at_ = now + kLookAtZonesEach;
  queue_.Rezone();
}

void Scheduler::RunMail() {
  for (const std::function<void()>& mail : mailbox_->Take()) mail();
}

absl::Time Scheduler::NextDeadline() const {
  if (stale_) return refresh_at_;
  const absl::Time due = in_flight_ < kMostInFlight ? queue_.next() : absl::InfiniteFuture();
  const absl::Time next = std::min(due, known_ + options_.poll_interval);
  return retries_.empty() ? next : std::min(next, retries_.begin()->first);
}

void Scheduler::TakeDue(absl::Time now) {
  while (!retries_.empty() && retries_.begin()->first <= now) {
    Retry retry = std::move(retries_.extract(retries_.begin()).mapped());
    Send(std::move(retry.due), retry.backoff);
  }
  while (in_flight_ < kMostInFlight && queue_.next() <= now) {
    taken_ = true;
    for (DueInstant& due : queue_.Take(now, kMostInFlight - in_flight_)) {
      Send(std::move(due), kFirstRetry);
    }
    RunMail();
  }
}

void Scheduler::Send(DueInstant due, absl::Duration backoff) {
  const TriggerRef ref = catalog_.FindTrigger(due.trigger_id);
  if (ref.saved == nullptr) return;  // deleted in the meantime
  ++in_flight_;
  Admission admission = AdmitInstant(ref, due, options_.clock->TimeNow());
  admit_(std::move(admission), [this, mailbox = mailbox_, due = std::move(due),
                                backoff](const absl::StatusOr<Admitted>& admitted) {
    mailbox->Post(
        [this, due, backoff, status = admitted.status()] { OnAdmitted(due, backoff, status); });
  });
}

void Scheduler::OnAdmitted(DueInstant due, absl::Duration backoff, const absl::Status& status) {
  --in_flight_;
  if (status.ok()) return;
  // Not known to be durable: the key makes a second try harmless.
  retries_.emplace(options_.clock->TimeNow() + backoff,
                   Retry{std::move(due), std::min(backoff * 2, kLastRetry)});
}

// Only after something was taken: between two instants there is nothing to look at again.
void Scheduler::SaveWatermark(absl::Time now) {
  const bool all_kept = in_flight_ == 0 && retries_.empty() && queue_.next() > looked_;
  if (!taken_ || !all_kept || now < save_after_) return;
  save_after_ = now + kSaveWatermarkEach;
  // Not beyond what is known: another engine may have saved a schedule since.
  const absl::Time watermark = std::min(looked_, known_);
  // Where it cannot be saved, the next start looks at more instants: nothing is lost.
  taken_ =
      !options_.store->Save(SaveSetting{kWatermark, absl::StrCat(absl::ToUnixSeconds(watermark))})
           .ok();
}

}  // namespace routines
