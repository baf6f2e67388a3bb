// Glob patterns as filters mean them: `*` is any run of characters without /, `**` any run, `?` one
// character other than /, `\` takes the next character as it is, and everything else stands for
// itself. The whole text must match.
//
// All states of a pattern advance together, so that the time of Matches is bounded by
// text × pattern / 64 steps, whatever both are: there is no backtracking.
//
// Immutable after Compile; any number of threads may call Matches.
#ifndef ROUTINES_SRC_MATCH_GLOB_H_
#define ROUTINES_SRC_MATCH_GLOB_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace routines {

inline constexpr size_t kMaxGlobCharacters = 1000;

class Glob {
 public:
  // `pattern` is UTF-8. kInvalidArgument: too long, or a \ at the end; the message says how to mend
  // it. `ignore_case`: of ASCII letters.
  static absl::StatusOr<Glob> Compile(std::string_view pattern, bool ignore_case);

  // `text` should be UTF-8; a byte that is none counts as one character.
  bool Matches(std::string_view text) const;

  // What every match begins and ends with; lower case where case is ignored. In a pattern without
  // wildcards, is_literal(), the prefix is all of it.
  std::string_view prefix() const { return prefix_; }
  std::string_view suffix() const { return suffix_; }
  bool is_literal() const { return kind_ == Kind::kLiteral; }

 private:
  enum class Kind {
    kLiteral,  // the prefix
    kRun,      // prefix, one star, suffix
    kStates,   // the rest
  };
  struct Token {
    enum class Kind { kCharacter, kAnyOne, kStar, kDoubleStar };
    Kind kind;
    char32_t character = 0;
  };

  static absl::StatusOr<std::vector<Token>> Tokenize(std::string_view pattern, bool ignore_case);
  void TakeLiteralEnds(const std::vector<Token>& tokens);
  void BuildStates(const std::vector<Token>& tokens);
  bool MatchesStates(std::string_view text) const;
  const uint64_t* MaskOf(char32_t character) const;

  bool ignore_case_ = false;
  Kind kind_ = Kind::kLiteral;
  bool crosses_slash_ = false;  // kRun
  std::string prefix_, suffix_;

  // kStates: what is between prefix and suffix. State i is active when the first i tokens match
  // what was read; its bit is i % 64 of word i / 64 of every mask below.
  size_t words_ = 0;
  size_t last_state_ = 0;
  std::vector<char32_t> characters_;    // those of the pattern, sorted
  std::vector<uint64_t> masks_;         // of each of them: where it is the next token
  std::vector<uint64_t> any_one_;       // where ? is the next token
  std::vector<uint64_t> stars_;         // where * or ** is
  std::vector<uint64_t> double_stars_;  // where ** is
};

}  // namespace routines

#endif  // ROUTINES_SRC_MATCH_GLOB_H_
