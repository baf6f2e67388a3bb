// The bearer tokens of API triggers.
//
// Thread-safety: Check may be called from any thread; of the others, which block on the store, one
// at a time, and none while a routine is being saved.
#ifndef ROUTINES_SRC_ENGINE_TOKENS_H_
#define ROUTINES_SRC_ENGINE_TOKENS_H_

#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "routines/engine.h"
#include "src/engine/catalog.h"

namespace routines {

class Tokens {
 public:
  // All are borrowed.
  Tokens(Store& store, Catalog& catalog, Clock& clock)
      : store_(store), catalog_(catalog), clock_(clock) {}

  absl::StatusOr<IssuedToken> Create(std::string_view trigger_id);
  absl::StatusOr<IssuedToken> Rotate(std::string_view trigger_id, absl::Duration overlap);
  absl::Status Revoke(std::string_view token_id);
  absl::Status Check(std::string_view trigger_id, std::string_view secret) const;

 private:
  absl::Status CheckTrigger(std::string_view trigger_id) const;
  absl::StatusOr<IssuedToken> Issue(std::string_view trigger_id);
  absl::Status Save(const v1::Token& token);
  absl::Status Delete(std::string_view token_id);

  Store& store_;
  Catalog& catalog_;
  Clock& clock_;
};

}  // namespace routines

#endif  // ROUTINES_SRC_ENGINE_TOKENS_H_
