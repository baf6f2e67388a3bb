#include "tests/sim/stores.h"

#include <stdlib.h>

#include <filesystem>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "routines/session.h"
#include "src/base/time_conversion.h"
#include "src/engine/admission.h"

namespace routines::sim {
namespace {

constexpr int kAll = 1'000'000;

#ifdef ROUTINES_HAVE_SQLITE
class InlineStore : public Store {
 public:
  InlineStore(std::filesystem::path folder, std::unique_ptr<Store> store)
      : folder_(std::move(folder)), store_(std::move(store)) {}
  ~InlineStore() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  void Admit(Admission admission, AdmitDone done) override {
    done(Wait<Admitted>([&](auto answer) { store_->Admit(std::move(admission), answer); }));
  }
  absl::StatusOr<std::vector<v1::Session>> Lease(const LeaseRequest& request) override {
    return store_->Lease(request);
  }
  void Update(SessionUpdate update, UpdateDone done) override {
    done(Wait<Updated>([&](auto answer) { store_->Update(std::move(update), answer); }));
  }
  absl::Status Save(const Change& change) override { return store_->Save(change); }
  absl::StatusOr<Rows> Read(const Query& query) override { return store_->Read(query); }

 private:
  template <typename Result>
  static absl::StatusOr<Result> Wait(
      const std::function<void(std::function<void(absl::StatusOr<Result>)>)>& call) {
    absl::StatusOr<Result> result;
    absl::Notification answered;
    call([&](absl::StatusOr<Result> answer) {
      result = std::move(answer);
      answered.Notify();
    });
    answered.WaitForNotification();
    return result;
  }

  const std::filesystem::path folder_;
  std::unique_ptr<Store> store_;
};
#endif

}  // namespace

std::shared_ptr<Store> NewInlineSqliteStore() {
#ifdef ROUTINES_HAVE_SQLITE
  // In memory where that can be: what a disk may lose is the store's own tests' concern.
  const bool memory = std::filesystem::is_directory("/dev/shm");
  const std::filesystem::path parent = memory ? "/dev/shm" : std::filesystem::temp_directory_path();
  std::string folder = (parent / "sim-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) return nullptr;
  auto store = OpenSqliteStore({.path = folder + "/state.db", .integrity_check = false});
  if (!store.ok()) return nullptr;
  return std::make_shared<InlineStore>(folder, *std::move(store));
#else
  return nullptr;
#endif
}

std::vector<std::string> Outcomes(Store& store) {
  std::vector<std::string> outcomes;
  const auto events = store.Read(EventQuery{.limit = kAll});
  for (const v1::Event& event : events->events) {
    std::string text = absl::StrCat(event.source(), " ", event.trigger_id(), " ",
                                    event.external_id(), " ", event.time().ShortDebugString());
    std::map<std::string, std::string> by_trigger;
    const auto rows = store.Read(DecisionQuery{.event_id = event.id(), .limit = kAll});
    for (const v1::Decision& decision : rows->decisions) {
      by_trigger[decision.trigger_id()] =
          absl::StrCat(std::string(DecisionName(decision.reason())), " ",
                       decision.until().ShortDebugString(), decision.session_id().empty());
    }
    for (const auto& [trigger, decision] : by_trigger) {
      absl::StrAppend(&text, "; ", trigger, ": ", decision);
    }
    outcomes.push_back(std::move(text));
  }
  const auto sessions = store.Read(SessionQuery{.limit = kAll});
  for (const v1::Session& session : sessions->sessions) {
    outcomes.push_back(absl::StrCat(session.routine(), " ", session.trigger_id(), " ",
                                    std::string(StateName(session.state())), " ", session.reason(),
                                    " ", session.attempt(), " ", session.last_sequence(), " ",
                                    session.end_time().ShortDebugString()));
  }
  return outcomes;
}

}  // namespace routines::sim
