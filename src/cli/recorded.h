// Deliveries in files, as `record` writes them: a payload, and its headers beside it.
#ifndef ROUTINES_SRC_CLI_RECORDED_H_
#define ROUTINES_SRC_CLI_RECORDED_H_

#include <cstddef>
#include <map>
#include <string>

namespace routines::cli {

inline constexpr size_t kMaxPayload = 25 << 20;  // GitHub's own
inline constexpr char kEventHeader[] = "x-github-event", kDeliveryHeader[] = "x-github-delivery";

// "push-1.headers" of "push-1.json".
std::string HeadersFile(const std::string& payload);

// "name: value" lines of the file beside a payload, names in lower case; empty where there is none.
std::map<std::string, std::string> RecordedHeaders(const std::string& payload);

}  // namespace routines::cli

#endif  // ROUTINES_SRC_CLI_RECORDED_H_
