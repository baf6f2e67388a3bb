#include "src/match/regex_plain.h"

#include <algorithm>
#include <cctype>

#include "src/match/filter.h"

namespace routines {
namespace {

// Steps of RE2's program that one of these takes at most; of `k` and `s` there are three in
// Unicode, and what is no ASCII character takes several bytes.
constexpr int kCharacterSteps = 10;
constexpr int kClassSteps = 60;
constexpr int kMostSteps = kMaxRegexProgram / 2;
constexpr int kMostRepetitions = 50;
constexpr int kMostDepth = 20;

bool IsPrintable(char c) {
  return c >= 0x20 && c < 0x7f;
}
bool IsWord(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

// Reads an expression from left to right. Each part says how many steps it takes; -1: not plain.
class Scan {
 public:
  explicit Scan(std::string_view pattern) : rest_(pattern) {}

  bool Run() {
    const int steps = Alternatives(0);
    return steps >= 0 && rest_.empty();
  }

 private:
  static constexpr int kNo = -1;

  bool Take(char c) {
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  int Alternatives(int depth) {
    int steps = 2;
    do {
      while (!rest_.empty() && rest_[0] != '|' && rest_[0] != ')') {
        const int more = Repeated(depth);
        if (more < 0 || (steps += more) > kMostSteps) return kNo;
      }
      steps += 2;
    } while (Take('|'));
    return steps;
  }

  int Repeated(int depth) {
    const std::string_view two = rest_.substr(0, 2);
    const bool anchor = two[0] == '^' || two[0] == '$' || two == "\\b" || two == "\\B";
    int steps = Atom(depth);
    if (steps < 0 || rest_.empty()) return steps;
    if (Take('*') || Take('+') || Take('?')) {
      steps = 2 * steps + 2;  // of x+ there may be two copies
    } else if (Take('{')) {
      const int times = Times();
      if (times < 0) return kNo;
      steps = steps * (times + 1) + times + 2;
    } else {
      return steps;
    }
    Take('?');  // as few as possible
    const bool again = !rest_.empty() && std::string_view("*+?{").find(rest_[0]) != rest_.npos;
    return anchor || again ? kNo : steps;
  }

  // Behind a brace: n}, n,} or n,m}.
  int Times() {
    const int least = Number();
    int most = least;
    if (Take(',') && !rest_.empty() && rest_[0] != '}') most = Number();
    return least < 0 || most < least || !Take('}') ? kNo : most;
  }

  int Number() {
    int number = 0, digits = 0;
    for (; !rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9'; rest_.remove_prefix(1)) {
      number = 10 * number + (rest_[0] - '0');
      if (++digits > 2) return kNo;
    }
    return digits == 0 || number > kMostRepetitions ? kNo : number;
  }

  int Atom(int depth) {
    const char c = rest_[0];
    rest_.remove_prefix(1);
    switch (c) {
      case '(':
        return Group(depth);
      case '[':
        return Class();
      case '\\':
        return Escape();
      case '.':
        return kClassSteps;
      case '^':
      case '$':
        return 1;
      case '*':
      case '+':
      case '?':
      case '{':
      case '}':
      case ']':
      case ')':
      case '|':
        return kNo;
      default:
        return IsPrintable(c) ? kCharacterSteps : kNo;
    }
  }

  int Group(int depth) {
    if (depth == kMostDepth) return kNo;
    if (Take('?') && !Take(':')) return kNo;
    const int steps = Alternatives(depth + 1);
    return steps < 0 || !Take(')') ? kNo : steps + 2;
  }

  int Escape() {
    if (rest_.empty()) return kNo;
    const char c = rest_[0];
    rest_.remove_prefix(1);
    if (std::string_view("dDwWsSbB").find(c) != std::string_view::npos) return kClassSteps;
    return IsPrintable(c) && !IsWord(c) && c != ' ' ? kCharacterSteps : kNo;
  }

  // Letters, digits, ranges of these, and a few signs that mean nothing else.
  int Class() {
    Take('^');
    bool any = false;
    for (; !rest_.empty() && rest_[0] != ']'; any = true) {
      const char first = rest_[0];
      if (!IsWord(first) && std::string_view(" .,;/@#!+*?").find(first) == rest_.npos) return kNo;
      rest_.remove_prefix(1);
      if (!Take('-')) continue;
      if (rest_.empty() || !IsWord(first) || !IsWord(rest_[0]) || rest_[0] < first) return kNo;
      rest_.remove_prefix(1);
    }
    return any && Take(']') ? kClassSteps : kNo;
  }

  std::string_view rest_;
};

}  // namespace

bool IsPlainRegex(std::string_view pattern) {
  return pattern.size() <= kMaxRegexCharacters && Scan(pattern).Run();
}

}  // namespace routines
