// Compiles paths to places, so that a reader is at one place at a time: where a star and an index
// both lead to an element, the element's place has the paths of both.
#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "src/match/extract.h"
#include "src/match/json_pointer.h"

namespace routines {
namespace {

// Reached by no sensible list of 64 paths; stars and indexes mixed over many levels would be.
constexpr size_t kMostPlaces = 16384;
constexpr size_t kMostTokens = 128;  // as deep as a payload may be

struct Token {
  std::string key;
  bool star = false;
};

}  // namespace

class PlanBuilder {
 public:
  absl::Status Add(std::string_view path, bool pattern) {
    auto tokens = ParseJsonPointer(path);
    if (!tokens.has_value()) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", absl::string_view(path.data(), path.size()),
                       "\" is not a JSON pointer; write one such as /pull_request/title"));
    }
    std::vector<Token> parsed;
    bool stars = false;
    for (std::string& key : *tokens) {
      const bool star = pattern && key == "*";
      stars |= star;
      parsed.push_back({.key = std::move(key), .star = star});
    }
    const int target = plan_.targets_++;
    if (stars) plan_.stars_ |= TargetBit(target);
    // Nothing in a payload is deeper, so a longer path leads nowhere.
    if (parsed.size() <= kMostTokens) paths_.push_back({target, std::move(parsed)});
    return absl::OkStatus();
  }

  absl::StatusOr<ExtractionPlan> Build() && {
    Ends all;
    for (size_t i = 0; i < paths_.size(); ++i) all.push_back({i, 0});
    Fill(ExtractionPlan::kRoot, all);
    if (plan_.places_.size() > kMostPlaces) {
      return absl::InvalidArgumentError("the paths mix stars and indexes in too many ways");
    }
    return std::move(plan_);
  }

 private:
  struct Path {
    int target;
    std::vector<Token> tokens;
  };
  // Where each of some paths is: the path, and how many of its tokens are behind.
  using Ends = std::vector<std::pair<size_t, size_t>>;

  uint32_t NewPlace(const Ends& ends) {
    if (plan_.places_.size() > kMostPlaces) return 0;
    const uint32_t place = static_cast<uint32_t>(plan_.places_.size());
    plan_.places_.emplace_back();
    Fill(place, ends);
    return place;
  }

  void Fill(uint32_t index, const Ends& ends) {
    ExtractionPlan::Place place;
    Ends starred;
    std::map<std::string, Ends> keyed;
    for (const auto& [path, behind] : ends) {
      const TargetMask bit = TargetBit(paths_[path].target);
      if (behind == paths_[path].tokens.size()) {
        place.ends |= bit;
        continue;
      }
      place.below |= bit;
      const Token& token = paths_[path].tokens[behind];
      (token.star ? starred : keyed[token.key]).push_back({path, behind + 1});
    }
    for (const auto& [key, next] : keyed) {
      place.fields.push_back({.key = key, .place = NewPlace(next)});
      place.key_filter |= uint64_t{1} << ExtractionPlan::KeyFilterBit(key);
      const auto element = ArrayIndex(key);
      if (!element.has_value()) continue;
      Ends both = next;
      both.insert(both.end(), starred.begin(), starred.end());
      place.elements.push_back(
          {.index = *element,
           .place = starred.empty() ? place.fields.back().place : NewPlace(both)});
    }
    std::sort(place.elements.begin(), place.elements.end(),
              [](const auto& a, const auto& b) { return a.index < b.index; });
    if (!starred.empty()) place.others = NewPlace(starred);
    plan_.places_[index] = std::move(place);
  }

  ExtractionPlan plan_;
  std::vector<Path> paths_;
};

absl::StatusOr<ExtractionPlan> ExtractionPlan::Compile(absl::Span<const std::string_view> paths,
                                                       TargetMask patterns) {
  if (paths.size() > kMostTargets) {
    return absl::InvalidArgumentError(absl::StrCat(
        paths.size(), " paths are too many for one plan; at most ", kMostTargets, " are allowed"));
  }
  PlanBuilder builder;
  for (size_t i = 0; i < paths.size(); ++i) {
    if (absl::Status status = builder.Add(paths[i], ((patterns >> i) & 1) != 0); !status.ok()) {
      return status;
    }
  }
  return std::move(builder).Build();
}

}  // namespace routines
