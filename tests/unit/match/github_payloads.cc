#include "tests/unit/match/github_payloads.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "routines/event.h"
#include "simdjson.h"

namespace routines::testing {
namespace {

constexpr char kOwn[] = ROUTINES_SOURCE_DIR "/tests/data/github";
constexpr char kExamples[] = ROUTINES_SOURCE_DIR
    "/build/npm/node_modules/@octokit/webhooks-examples/api.github.com/index.json";

std::vector<GithubPayload> ReadOwn() {
  std::vector<GithubPayload> payloads;
  for (const auto& entry : std::filesystem::directory_iterator(kOwn)) {
    if (entry.path().extension() != ".json") continue;
    const std::string name = entry.path().stem();
    std::ifstream stream(entry.path(), std::ios::binary);
    payloads.push_back({.name = name,
                        .event = name.substr(0, name.find('.')),
                        .body = {std::istreambuf_iterator<char>(stream), {}}});
  }
  std::sort(payloads.begin(), payloads.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return payloads;
}

std::vector<GithubPayload> ReadExamples() {
  std::vector<GithubPayload> payloads;
  if (!std::filesystem::exists(kExamples)) return payloads;
  simdjson::dom::parser parser;
  for (const simdjson::dom::element entry : parser.load(kExamples).get_array()) {
    const std::string event{entry["name"].get_string().value()};
    int i = 0;
    for (const simdjson::dom::element example : entry["examples"].get_array()) {
      payloads.push_back({.name = absl::StrCat(event, "[", i++, "]"),
                          .event = event,
                          .body = simdjson::minify(example)});
    }
  }
  return payloads;
}

std::vector<GithubPayload> ReadAll() {
  std::vector<GithubPayload> payloads = OwnPayloads();
  for (const GithubPayload& payload : ExamplePayloads()) {
    if (FindGithubEvent(payload.event) != nullptr) payloads.push_back(payload);
  }
  return payloads;
}

}  // namespace

const std::vector<GithubPayload>& OwnPayloads() {
  static const auto& payloads = *new auto(ReadOwn());
  return payloads;
}

const std::vector<GithubPayload>& ExamplePayloads() {
  static const auto& payloads = *new auto(ReadExamples());
  return payloads;
}

const std::vector<GithubPayload>& AllPayloads() {
  static const auto& payloads = *new auto(ReadAll());
  return payloads;
}

}  // namespace routines::testing
