// Removes secrets from texts before they are stored or shown.
//
// A secret is recognised as it is, and in its base64 (standard and URL alphabet, any of the three
// alignments, with or without padding), percent-encoded, JSON-escaped and hexadecimal (either case)
// forms; each is replaced by "[redacted]", and so is what several of them cover together. Secrets
// shorter than 6 bytes are not redacted: they would shred ordinary text.
//
// Thread-safety: Redactor is immutable and may be shared; a RedactingStream belongs to one thread.
#ifndef ROUTINES_SRC_BASE_REDACT_H_
#define ROUTINES_SRC_BASE_REDACT_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace routines {

class Redactor {
 public:
  Redactor();  // of nothing
  explicit Redactor(const std::vector<std::string>& secrets);
  ~Redactor();

  bool empty() const;
  std::string Redact(std::string_view text) const;

 private:
  friend class RedactingStream;
  struct Patterns;
  std::shared_ptr<const Patterns> patterns_;
};

// The same for a text that comes in pieces: a secret that two pieces share is found too. Also turns
// the bytes into valid UTF-8: what is broken becomes U+FFFD, a character that two pieces share
// stays whole.
class RedactingStream {
 public:
  explicit RedactingStream(const Redactor& redactor);

  // What is now known to be clean; keeps back the end of `piece` only as far as it may be the
  // beginning of a secret or of a character.
  std::string Feed(std::string_view piece);
  // The rest, at the end of the stream.
  std::string Flush();

 private:
  std::string Take(std::string_view piece, bool last);

  std::shared_ptr<const Redactor::Patterns> patterns_;
  std::string pending_;    // may be the beginning of a secret; shorter than the longest form
  size_t covered_ = 0;     // so much of pending_ belongs to what was replaced already
  std::string character_;  // clean, but the beginning of a character
};

}  // namespace routines

#endif  // ROUTINES_SRC_BASE_REDACT_H_
