// What the end of a session starts: an event of the built-in source `session`, matched, gated and
// admitted as any other.
#ifndef ROUTINES_SRC_ENGINE_CHAIN_H_
#define ROUTINES_SRC_ENGINE_CHAIN_H_

#include <optional>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "routines/store.h"
#include "src/engine/catalog.h"

namespace routines {

inline constexpr std::string_view kSessionSource = "session";

// `session` is in a terminal state. Nothing where no trigger of its account matches: then there is
// no event either. Without gates.
absl::StatusOr<std::optional<Admission>> AdmitEnd(const v1::Session& session,
                                                  const Catalog& catalog, absl::Time now);

}  // namespace routines

#endif  // ROUTINES_SRC_ENGINE_CHAIN_H_
