// Payloads that the tests of events, filters and the matcher run on.
#ifndef ROUTINES_TESTS_UNIT_MATCH_GITHUB_PAYLOADS_H_
#define ROUTINES_TESTS_UNIT_MATCH_GITHUB_PAYLOADS_H_

#include <string>
#include <vector>

namespace routines::testing {

struct GithubPayload {
  std::string name;   // "issues.opened", "pull_request[3]"
  std::string event;  // webhook event name
  std::string body;
};

// tests/data/github: one for each event and action.
const std::vector<GithubPayload>& OwnPayloads();

// The examples of npm's @octokit/webhooks-examples, of every event of GitHub's, minified. Empty
// where `script/setup test` has not fetched them: skip then, with kNoExamples.
const std::vector<GithubPayload>& ExamplePayloads();
inline constexpr char kNoExamples[] =
    "@octokit/webhooks-examples is not in build/npm; run script/setup test";

// Own payloads and the examples of the eighteen events.
const std::vector<GithubPayload>& AllPayloads();

}  // namespace routines::testing

#endif  // ROUTINES_TESTS_UNIT_MATCH_GITHUB_PAYLOADS_H_
