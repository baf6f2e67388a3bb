// Stand-ins that the engine's tests share.
#ifndef ROUTINES_TESTS_UNIT_ENGINE_FAKES_H_
#define ROUTINES_TESTS_UNIT_ENGINE_FAKES_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "routines/store.h"
#include "routines/workspace.h"

namespace routines {

class FakeWorkspace : public Workspace {
 public:
  FakeWorkspace(const WorkspaceRequest& request, std::vector<v1::Patch> patches)
      : environment_(request.environment), patches_(std::move(patches)) {}

  const std::string& directory() const override { return directory_; }
  const std::string& working_directory() const override { return working_directory_; }
  const std::map<std::string, std::string>& environment() const override { return environment_; }
  std::vector<v1::Patch> Finish() override { return patches_; }

 private:
  const std::string directory_ = "/fake/work";
  const std::string working_directory_ = "/fake/work/api";
  const std::map<std::string, std::string> environment_;
  const std::vector<v1::Patch> patches_;
};

class FakeWorkspaces : public WorkspaceProvider {
 public:
  PreparedWorkspace Prepare(const WorkspaceRequest& request) override {
    ++prepared;
    if (!outcomes.empty()) {
      const Outcome outcome = outcomes.front();
      outcomes.erase(outcomes.begin());
      if (!outcome.ok()) return {nullptr, outcome};
    }
    return {std::make_unique<FakeWorkspace>(request, patches), Outcome::Success()};
  }

  std::vector<Outcome> outcomes;  // of the next calls; then success
  std::vector<v1::Patch> patches;
  int prepared = 0;
};

// Forwards to another store; Update and Admit fail as told.
class FaultyStore : public Store {
 public:
  explicit FaultyStore(std::shared_ptr<Store> store) : store_(std::move(store)) {}

  void Admit(Admission admission, AdmitDone done) override {
    if (admit_status.ok()) return store_->Admit(std::move(admission), std::move(done));
    done(admit_status);
  }
  absl::StatusOr<std::vector<v1::Session>> Lease(const LeaseRequest& request) override {
    return store_->Lease(request);
  }
  void Update(SessionUpdate update, UpdateDone done) override {
    ++updates;
    if (update_status.ok()) return store_->Update(std::move(update), std::move(done));
    // What could not be confirmed may have been stored all the same.
    if (stores_what_it_denies) store_->Update(std::move(update), [](absl::StatusOr<Updated>) {});
    done(update_status);
  }
  absl::Status Save(const Change& change) override { return store_->Save(change); }
  absl::StatusOr<Rows> Read(const Query& query) override { return store_->Read(query); }

  absl::Status admit_status, update_status;
  bool stores_what_it_denies = false;
  int updates = 0;

 private:
  const std::shared_ptr<Store> store_;
};

}  // namespace routines

#endif  // ROUTINES_TESTS_UNIT_ENGINE_FAKES_H_
