// Finds a text that every match of a regular expression contains. It walks the pattern once and
// takes runs of plain characters; whatever it does not know for certain ends a run. An alternative
// outside of parentheses makes it give up, and what is inside parentheses is skipped.
#include <algorithm>
#include <string>
#include <string_view>

#include "absl/strings/ascii.h"
#include "src/match/index_pattern.h"

namespace routines {
namespace {

class LiteralFinder {
 public:
  LiteralFinder(std::string_view regex, bool ignore_case)
      : regex_(regex), ignore_case_(ignore_case) {}

  std::string Find() {
    while (at_ < regex_.size()) {
      if (!Step()) return "";
    }
    EndRun();
    return best_;
  }

 private:
  // One element of the pattern and what repeats it. False: nothing can be said.
  bool Step() {
    const char c = regex_[at_];
    switch (c) {
      case '|':
      case ')':
        return false;
      case '(':
        return SkipGroup();
      case '[':
        SkipClass();
        return EndRunAndRepetition();
      case '\\':
        return Escape();
      case '.':
      case '^':
      case '$':
        ++at_;
        return EndRunAndRepetition();
      default:
        ++at_;
        // A byte of a longer character: repetition is of the whole character.
        while (at_ < regex_.size() && (regex_[at_] & 0xc0) == 0x80) ++at_;
        return Literal(regex_.substr(LastCharacter(), at_ - LastCharacter()));
    }
  }

  size_t LastCharacter() const {
    size_t begin = at_ - 1;
    while (begin > 0 && (regex_[begin] & 0xc0) == 0x80) --begin;
    return begin;
  }

  bool Escape() {
    if (at_ + 1 >= regex_.size()) return false;
    const char c = regex_[at_ + 1];
    if (c == 'Q' || c == 'E') return false;
    at_ += 2;
    if (absl::ascii_ispunct(static_cast<unsigned char>(c))) return Literal({&regex_[at_ - 1], 1});
    if (c == 'x' || c == 'p' || c == 'P' || absl::ascii_isdigit(static_cast<unsigned char>(c))) {
      return false;  // of several characters; rare enough
    }
    return EndRunAndRepetition();  // a class such as \d, or an assertion
  }

  // A character that stands for itself, unless it is repeated.
  bool Literal(std::string_view character) {
    if (ignore_case_ && HasOddCase(character)) return EndRunAndRepetition();
    if (!RepetitionFollows()) {
      run_.append(character);
      return true;
    }
    if (regex_[at_] == '+') run_.append(character);  // at least once, here
    return EndRunAndRepetition();
  }

  // Unicode has two letters that RE2 folds into k and s, and fields fold ASCII only.
  static bool HasOddCase(std::string_view character) {
    return (character[0] & 0x80) != 0 ||
           std::string_view("kKsS").find(character[0]) != std::string_view::npos;
  }

  bool RepetitionFollows() const {
    return at_ < regex_.size() && std::string_view("*+?{").find(regex_[at_]) != std::string::npos;
  }

  bool EndRunAndRepetition() {
    EndRun();
    while (RepetitionFollows()) {
      if (regex_[at_] == '{') {
        // RE2 takes { as it is where no count follows: skipping to } is right for neither, so stop.
        const size_t close = regex_.find('}', at_);
        const size_t digit = at_ + 1;
        if (close == regex_.npos || !absl::ascii_isdigit(static_cast<unsigned char>(regex_[digit])))
          return false;
        at_ = close;
      }
      ++at_;
    }
    return true;
  }

  void EndRun() {
    if (run_.size() > best_.size()) best_ = ignore_case_ ? absl::AsciiStrToLower(run_) : run_;
    run_.clear();
  }

  bool SkipGroup() {
    // Flags could make letters stand for more than themselves.
    if (at_ + 1 < regex_.size() && regex_[at_ + 1] == '?' && regex_.substr(at_, 3) != "(?:") {
      return false;
    }
    int depth = 0;
    while (at_ < regex_.size()) {
      const char c = regex_[at_];
      if (c == '\\') {
        if (at_ + 1 < regex_.size() && regex_[at_ + 1] == 'Q') return false;
        at_ += 2;
        continue;
      }
      if (c == '[') {
        SkipClass();
        continue;
      }
      if (c == '(' && regex_.substr(at_, 2) == "(?" && regex_.substr(at_, 3) != "(?:") return false;
      depth += c == '(' ? 1 : c == ')' ? -1 : 0;
      ++at_;
      if (depth == 0) return EndRunAndRepetition();
    }
    return false;
  }

  void SkipClass() {
    ++at_;
    if (at_ < regex_.size() && regex_[at_] == '^') ++at_;
    if (at_ < regex_.size() && regex_[at_] == ']') ++at_;  // first, it stands for itself
    while (at_ < regex_.size() && regex_[at_] != ']') {
      if (regex_.substr(at_, 2) == "[:") {
        const size_t close = regex_.find(":]", at_ + 2);
        at_ = close == regex_.npos ? regex_.size() : close + 2;
      } else {
        at_ += regex_[at_] == '\\' ? 2 : 1;
      }
    }
    if (at_ < regex_.size()) ++at_;
    at_ = std::min(at_, regex_.size());
  }

  std::string_view regex_;
  const bool ignore_case_;
  size_t at_ = 0;
  std::string run_, best_;
};

}  // namespace

std::string RequiredLiteral(std::string_view regex, bool ignore_case) {
  return LiteralFinder(regex, ignore_case).Find();
}

}  // namespace routines
