// Takes terminal control sequences (CSI of ECMA-48: colours, cursor movements) out of a program's
// output.
//
// They would stand between the letters of a secret that a program coloured, and hide it from
// redaction while every viewer that leaves them out shows it whole.
//
// Thread-safety: none; one per stream.
#ifndef ROUTINES_SRC_BASE_CONTROL_SEQUENCES_H_
#define ROUTINES_SRC_BASE_CONTROL_SEQUENCES_H_

#include <string>
#include <string_view>

namespace routines {

class ControlSequenceFilter {
 public:
  // `piece` without its sequences; one that two pieces share is taken out of both.
  std::string Feed(std::string_view piece);
  // What was kept back, at the end of the stream.
  std::string Flush();

 private:
  enum class State { kText, kEscape, kSequence };
  State state_ = State::kText;
};

// The same for a text that is all there.
std::string WithoutControlSequences(std::string_view text);

}  // namespace routines

#endif  // ROUTINES_SRC_BASE_CONTROL_SEQUENCES_H_
