// The JSON reader of routine files: a small one, because positions are wanted of every value.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "src/config/document.h"
#include "src/config/document_readers.h"

namespace routines {
namespace {

// Why the text is not what was expected, and where.
struct Wrong {
  size_t offset;
  std::string message;
};

void AppendUtf8(uint32_t character, std::string* out) {
  const auto tail = [&](int shift) {
    out->push_back(static_cast<char>(0x80 | (character >> shift & 0x3F)));
  };
  if (character < 0x80) {
    out->push_back(static_cast<char>(character));
  } else if (character < 0x800) {
    out->push_back(static_cast<char>(0xC0 | character >> 6));
    tail(0);
  } else if (character < 0x10000) {
    out->push_back(static_cast<char>(0xE0 | character >> 12));
    tail(6);
    tail(0);
  } else {
    out->push_back(static_cast<char>(0xF0 | character >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

// Every method returns whether it went well; else wrong() says why not.
class JsonReader {
 public:
  explicit JsonReader(std::string_view text) : text_(text) {}

  bool Read(Node* root) {
    SkipSpace();
    if (Peek() != '{') return Fail("must be a JSON object, in braces");
    if (!ReadValue(root, 0)) return false;
    SkipSpace();
    return at_ == text_.size() || Fail("nothing may follow the object's closing }");
  }

  const Wrong& wrong() const { return wrong_; }

 private:
  bool Fail(std::string message) {
    wrong_ = {at_, std::move(message)};
    return false;
  }

  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  // Positions only ever move on, so that lines are counted once.
  Position Here() {
    for (; counted_ < at_; ++counted_) {
      if (text_[counted_] != '\n') continue;
      ++line_;
      line_start_ = counted_ + 1;
    }
    return {line_, 1 + static_cast<int>(at_ - line_start_)};
  }

  void SkipSpace() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) {
      ++at_;
    }
  }

  bool ReadValue(Node* node, size_t depth) {
    if (++nodes_ > kMaxDocumentNodes) {
      return Fail(
          absl::StrCat("the file has more than ", kMaxDocumentNodes, " values; make it smaller"));
    }
    node->position = Here();
    const char first = Peek();
    if (first == '{' || first == '[') {
      if (depth >= kMaxDocumentDepth) {
        return Fail(absl::StrCat("is nested more than ", kMaxDocumentDepth, " levels deep"));
      }
      return first == '{' ? ReadObject(node, depth) : ReadArray(node, depth);
    }
    if (first == '"') {
      node->kind = Node::Kind::kScalar;
      return ReadString(&node->text);
    }
    return ReadWord(node);
  }

  // After an item: true where another follows, which `closing` does not.
  std::optional<bool> Another(char closing) {
    SkipSpace();
    if (Peek() == closing) {
      ++at_;
      return false;
    }
    if (Peek() != ',') {
      Fail(absl::StrCat("expected a comma or the closing ", std::string(1, closing)));
      return std::nullopt;
    }
    ++at_;
    SkipSpace();
    return true;
  }

  bool ReadObject(Node* node, size_t depth) {
    node->kind = Node::Kind::kMap;
    ++at_;
    SkipSpace();
    if (Peek() == '}') return ++at_, true;
    while (true) {
      if (Peek() != '"') return Fail("expected a key in double quotes");
      if (++nodes_ > kMaxDocumentNodes) return Fail("the file has too many values");
      Node::Key& key = node->keys.emplace_back();
      key.position = Here();
      if (!ReadString(&key.text)) return false;
      SkipSpace();
      if (Peek() != ':') return Fail("expected a colon after the key");
      ++at_;
      SkipSpace();
      if (!ReadValue(&node->children.emplace_back(), depth + 1)) return false;
      const std::optional<bool> another = Another('}');
      if (!another.has_value()) return false;
      if (!*another) return true;
    }
  }

  bool ReadArray(Node* node, size_t depth) {
    node->kind = Node::Kind::kList;
    ++at_;
    SkipSpace();
    if (Peek() == ']') return ++at_, true;
    while (true) {
      if (!ReadValue(&node->children.emplace_back(), depth + 1)) return false;
      const std::optional<bool> another = Another(']');
      if (!another.has_value()) return false;
      if (!*another) return true;
    }
  }

  // A number, true, false or null.
  bool ReadWord(Node* node) {
    const size_t end = std::min(text_.find_first_of(" \t\r\n,:]}[{\"", at_), text_.size());
    const std::string_view word = text_.substr(at_, end - at_);
    if (word != "null" && word != "true" && word != "false" && !IsNumber(word)) {
      return Fail("expected a value; a text must be in double quotes");
    }
    if (word != "null") {
      node->kind = Node::Kind::kScalar;
      node->text = std::string(word);
      node->plain = true;
    }
    at_ = end;
    return true;
  }

  static bool IsNumber(std::string_view word) {
    size_t i = 0;
    const auto digits = [&] {
      const size_t start = i;
      while (i < word.size() && word[i] >= '0' && word[i] <= '9') ++i;
      return i - start;
    };
    if (i < word.size() && word[i] == '-') ++i;
    const size_t whole = i;
    const size_t count = digits();
    if (count == 0 || (count > 1 && word[whole] == '0')) return false;
    if (i < word.size() && word[i] == '.') {
      ++i;
      if (digits() == 0) return false;
    }
    if (i < word.size() && (word[i] == 'e' || word[i] == 'E')) {
      ++i;
      if (i < word.size() && (word[i] == '+' || word[i] == '-')) ++i;
      if (digits() == 0) return false;
    }
    return i == word.size();
  }

  bool ReadString(std::string* out) {
    for (++at_; at_ < text_.size(); ++at_) {
      const char byte = text_[at_];
      if (byte == '"') return ++at_, true;
      if (static_cast<unsigned char>(byte) < 0x20) {
        return Fail("a text may not hold a line break or control character; escape it");
      }
      if (byte != '\\') {
        out->push_back(byte);
      } else if (!ReadEscape(out)) {
        return false;
      }
    }
    return Fail("a quote is not closed before the file ends");
  }

  // Leaves at_ at the last byte of the escape.
  bool ReadEscape(std::string* out) {
    constexpr std::string_view kEscapes = "\"\\/bfnrt", kMeanings = "\"\\/\b\f\n\r\t";
    ++at_;
    if (const size_t which = kEscapes.find(Peek()); which != kEscapes.npos && Peek() != '\0') {
      out->push_back(kMeanings[which]);
      return true;
    }
    if (Peek() != 'u') return Fail("is an escape that JSON does not know");
    std::optional<uint32_t> unit = CodeUnit();
    if (unit.has_value() && *unit >= 0xD800 && *unit < 0xDC00) {
      const std::string_view next = text_.substr(std::min(at_ + 1, text_.size()), 2);
      if (next != "\\u") return Fail("an escape names half a character");
      at_ += 2;
      const std::optional<uint32_t> low = CodeUnit();
      if (!low.has_value() || *low < 0xDC00 || *low >= 0xE000) {
        return Fail("an escape names half a character");
      }
      unit = 0x10000 + ((*unit - 0xD800) << 10) + (*low - 0xDC00);
    }
    if (!unit.has_value()) return Fail("an escape needs four hexadecimal digits");
    if (*unit == 0) return Fail("contains a NUL character; remove it");
    if (*unit >= 0xD800 && *unit < 0xE000) return Fail("an escape names half a character");
    AppendUtf8(*unit, out);
    return true;
  }

  // at_ is at the u; leaves it at the last digit.
  std::optional<uint32_t> CodeUnit() {
    if (at_ + 4 >= text_.size()) return std::nullopt;
    uint32_t unit = 0;
    for (int i = 0; i < 4; ++i) {
      const char digit = text_[++at_];
      if (digit >= '0' && digit <= '9') {
        unit = unit * 16 + (digit - '0');
      } else if ((digit | 0x20) >= 'a' && (digit | 0x20) <= 'f') {
        unit = unit * 16 + ((digit | 0x20) - 'a' + 10);
      } else {
        return std::nullopt;
      }
    }
    return unit;
  }

  const std::string_view text_;
  size_t at_ = 0;
  size_t nodes_ = 0;
  size_t counted_ = 0, line_start_ = 0;
  int line_ = 1;
  Wrong wrong_;
};

}  // namespace

bool ReadJson(std::string_view text, Document* document) {
  JsonReader reader(text);
  if (reader.Read(&document->root)) {
    document->complete = true;
    return true;
  }
  document->problems.push_back({PositionOf(text, reader.wrong().offset), reader.wrong().message});
  return false;
}

}  // namespace routines
