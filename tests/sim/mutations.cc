#include "tests/sim/mutations.h"

#include <utility>
#include <vector>

namespace routines::sim {
namespace {

class Forwarding : public Store {
 public:
  explicit Forwarding(std::shared_ptr<Store> store) : store_(std::move(store)) {}

  void Admit(Admission admission, AdmitDone done) override {
    store_->Admit(std::move(admission), std::move(done));
  }
  absl::StatusOr<std::vector<v1::Session>> Lease(const LeaseRequest& request) override {
    return store_->Lease(request);
  }
  void Update(SessionUpdate update, UpdateDone done) override {
    store_->Update(std::move(update), std::move(done));
  }
  absl::Status Save(const Change& change) override { return store_->Save(change); }
  absl::StatusOr<Rows> Read(const Query& query) override { return store_->Read(query); }

 protected:
  const std::shared_ptr<Store> store_;
};

class NoUniqueKey : public Forwarding {
 public:
  using Forwarding::Forwarding;
  void Admit(Admission admission, AdmitDone done) override {
    admission.dedupe_keys.clear();
    store_->Admit(std::move(admission), std::move(done));
  }
};

class NoFencing : public Forwarding {
 public:
  using Forwarding::Forwarding;
  void Update(SessionUpdate update, UpdateDone done) override {
    const auto rows = store_->Read(SessionQuery{.id = update.session_id});
    if (rows.ok() && !rows->sessions.empty()) {
      update.fencing_token = rows->sessions.front().fencing_token();
    }
    store_->Update(std::move(update), std::move(done));
  }
};

class EarlyAck : public Forwarding {
 public:
  using Forwarding::Forwarding;

  void Admit(Admission admission, AdmitDone done) override {
    Flush();
    Admitted admitted{false, admission.event.id(), admission.decisions, admission.sessions, {}};
    late_.push_back(std::move(admission));
    done(std::move(admitted));
  }
  absl::StatusOr<std::vector<v1::Session>> Lease(const LeaseRequest& request) override {
    Flush();
    return store_->Lease(request);
  }
  void Update(SessionUpdate update, UpdateDone done) override {
    Flush();
    store_->Update(std::move(update), std::move(done));
  }
  absl::Status Save(const Change& change) override {
    Flush();
    return store_->Save(change);
  }
  absl::StatusOr<Rows> Read(const Query& query) override {
    Flush();
    return store_->Read(query);
  }

 private:
  void Flush() {
    for (Admission& admission : std::exchange(late_, {})) {
      store_->Admit(std::move(admission), [](const absl::StatusOr<Admitted>&) {});
    }
  }
  std::vector<Admission> late_;
};

}  // namespace

std::optional<Mutation> MutationNamed(std::string_view name) {
  if (name == "none") return Mutation::kNone;
  if (name == "no_unique_key") return Mutation::kNoUniqueKey;
  if (name == "no_fencing") return Mutation::kNoFencing;
  if (name == "early_ack") return Mutation::kEarlyAck;
  return std::nullopt;
}

std::shared_ptr<Store> Mutate(Mutation mutation, std::shared_ptr<Store> store) {
  switch (mutation) {
    case Mutation::kNoUniqueKey:
      return std::make_shared<NoUniqueKey>(std::move(store));
    case Mutation::kNoFencing:
      return std::make_shared<NoFencing>(std::move(store));
    case Mutation::kEarlyAck:
      return std::make_shared<EarlyAck>(std::move(store));
    case Mutation::kNone:
      break;
  }
  return store;
}

}  // namespace routines::sim
