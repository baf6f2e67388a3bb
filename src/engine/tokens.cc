#include "src/engine/tokens.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "src/base/crypto.h"
#include "src/base/ids.h"
#include "src/base/status_macros.h"
#include "src/base/time_conversion.h"

namespace routines {
namespace {

constexpr size_t kMaxActive = 2;
constexpr std::string_view kSecretPrefix = "rtk_";  // so that secret scanners can know it

}  // namespace

absl::Status Tokens::CheckTrigger(std::string_view trigger_id) const {
  const TriggerRef ref = catalog_.FindTrigger(trigger_id);
  if (ref.saved == nullptr) {
    return absl::NotFoundError(absl::StrCat("no trigger with id ", std::string(trigger_id)));
  }
  if (!ref.trigger().has_api()) {
    return absl::InvalidArgumentError(absl::StrCat("trigger ", std::string(trigger_id),
                                                   " is not an API trigger; it has no tokens"));
  }
  return absl::OkStatus();
}

absl::StatusOr<IssuedToken> Tokens::Create(std::string_view trigger_id) {
  RETURN_IF_ERROR(CheckTrigger(trigger_id));
  if (catalog_.ActiveTokens(trigger_id, clock_.TimeNow()).size() >= kMaxActive) {
    return absl::FailedPreconditionError(absl::StrCat(
        "trigger ", std::string(trigger_id), " has two active tokens; revoke one, or rotate"));
  }
  return Issue(trigger_id);
}

absl::StatusOr<IssuedToken> Tokens::Rotate(std::string_view trigger_id, absl::Duration overlap) {
  RETURN_IF_ERROR(CheckTrigger(trigger_id));
  if (overlap < absl::ZeroDuration() || overlap > absl::Hours(24 * 30)) {
    return absl::InvalidArgumentError("overlap: must be between 0 and 720h");
  }
  const absl::Time now = clock_.TimeNow();
  std::vector<v1::Token> active = catalog_.ActiveTokens(trigger_id, now);
  std::sort(active.begin(), active.end(), [](const v1::Token& a, const v1::Token& b) {
    return a.id() > b.id();
  });  // newest first
  ASSIGN_OR_RETURN(IssuedToken issued, Issue(trigger_id));
  for (size_t i = 0; i < active.size(); ++i) {
    v1::Token& old = active[i];
    const absl::Time end = now + overlap;
    if (i + 1 >= kMaxActive || overlap == absl::ZeroDuration()) {
      RETURN_IF_ERROR(Delete(old.id()));
    } else if (!old.has_expire_time() || FromProto(old.expire_time()) > end) {
      *old.mutable_expire_time() = ToProto(end);
      RETURN_IF_ERROR(Save(old));
    }
  }
  return issued;
}

absl::Status Tokens::Revoke(std::string_view token_id) {
  return Delete(token_id);
}

absl::Status Tokens::Check(std::string_view trigger_id, std::string_view secret) const {
  const std::string digest = Sha256(secret);
  // An unknown trigger is compared too, so that it costs what a wrong token costs.
  static const std::string* const kNobody = new std::string(32, '\0');
  bool good = ConstantTimeEqual(digest, *kNobody);
  for (const v1::Token& token : catalog_.ActiveTokens(trigger_id, clock_.TimeNow())) {
    good |= ConstantTimeEqual(digest, token.sha256());
  }
  if (!good) return absl::UnauthenticatedError("invalid bearer token");
  return absl::OkStatus();
}

absl::StatusOr<IssuedToken> Tokens::Issue(std::string_view trigger_id) {
  IssuedToken issued;
  issued.secret = std::string(kSecretPrefix) + RandomKey();
  const absl::Time now = clock_.TimeNow();
  issued.token.set_id(NewId("token_", now));
  issued.token.set_trigger_id(std::string(trigger_id));
  issued.token.set_sha256(Sha256(issued.secret));
  *issued.token.mutable_create_time() = ToProto(now);
  RETURN_IF_ERROR(Save(issued.token));
  return issued;
}

absl::Status Tokens::Save(const v1::Token& token) {
  RETURN_IF_ERROR(store_.Save(SaveToken{token}));
  catalog_.PutToken(token);
  return absl::OkStatus();
}

absl::Status Tokens::Delete(std::string_view token_id) {
  RETURN_IF_ERROR(store_.Save(DeleteToken{std::string(token_id)}));
  catalog_.RemoveToken(token_id);
  return absl::OkStatus();
}

}  // namespace routines
