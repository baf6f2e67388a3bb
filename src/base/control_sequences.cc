#include "src/base/control_sequences.h"

#include <utility>

namespace routines {
namespace {

constexpr char kEscapeByte = '\x1b';

}  // namespace

std::string ControlSequenceFilter::Feed(std::string_view piece) {
  if (state_ == State::kText && piece.find(kEscapeByte) == std::string_view::npos) {
    return std::string(piece);
  }
  std::string text;
  text.reserve(piece.size());
  for (const char c : piece) {
    const auto byte = static_cast<unsigned char>(c);
    if (state_ == State::kEscape && c == '[') {
      state_ = State::kSequence;
      continue;
    }
    if (state_ == State::kSequence) {
      if (byte >= 0x20 && byte <= 0x3f) continue;  // parameters and intermediates
      state_ = State::kText;
      if (byte >= 0x40 && byte <= 0x7e) continue;  // the final byte; anything else breaks it off
    }
    if (state_ == State::kEscape) text += kEscapeByte;
    state_ = c == kEscapeByte ? State::kEscape : State::kText;
    if (state_ == State::kText) text += c;
  }
  return text;
}

std::string ControlSequenceFilter::Flush() {
  return std::exchange(state_, State::kText) == State::kEscape ? std::string(1, kEscapeByte) : "";
}

std::string WithoutControlSequences(std::string_view text) {
  ControlSequenceFilter filter;
  std::string result = filter.Feed(text);
  return result + filter.Flush();
}

}  // namespace routines
