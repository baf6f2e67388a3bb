// Pull-request payloads whose texts never repeat within a run, and what is read of them.
#ifndef ROUTINES_BENCH_EXTRACT_PAYLOADS_H_
#define ROUTINES_BENCH_EXTRACT_PAYLOADS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "simdjson.h"

namespace routines::bench {

// What both sides read: all fields that filters know of a pull request, and its scope. Texts are
// unescaped.
struct PullRequestFields {
  std::string_view action, repository, author, sender, author_association, title, body, base_branch,
      head_branch, head_repository, base_repository, state;
  std::vector<std::string_view> labels;
  bool is_draft = false, is_merged = false;

  bool operator==(const PullRequestFields&) const = default;
};

// simdjson's on-demand interface at its best: padded input, fields taken in the order in which
// GitHub writes them, instructions of this machine (its own file has the compile flags).
class SimdjsonPeer {
 public:
  bool Read(simdjson::padded_string_view payload, PullRequestFields& out);

 private:
  simdjson::ondemand::parser parser_;
};

}  // namespace routines::bench

#endif  // ROUTINES_BENCH_EXTRACT_PAYLOADS_H_
