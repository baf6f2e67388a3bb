#include "src/testing/plain_json.h"

#include <cstdint>
#include <cstdlib>

namespace routines::testing {
namespace {

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  PlainJson Value() {
    PlainJson json;
    switch (Peek()) {
      case '{':
        json.kind = PlainJson::Kind::kObject;
        ++at_;
        while (Peek() != '}') {
          if (Peek() == ',') ++at_;
          Peek();
          json.keys.push_back(Text());
          Peek();
          ++at_;  // the colon
          json.elements.push_back(Value());
        }
        ++at_;
        break;
      case '[':
        json.kind = PlainJson::Kind::kArray;
        ++at_;
        while (Peek() != ']') {
          if (Peek() == ',') ++at_;
          json.elements.push_back(Value());
        }
        ++at_;
        break;
      case '"':
        json.kind = PlainJson::Kind::kText;
        json.text = Text();
        break;
      case 't':
      case 'f':
        json.kind = PlainJson::Kind::kBoolean;
        json.boolean = Peek() == 't';
        at_ += json.boolean ? 4 : 5;
        break;
      case 'n':
        at_ += 4;
        break;
      default:
        json.kind = PlainJson::Kind::kNumber;
        json.number = Number();
    }
    return json;
  }

 private:
  // The next character that is not white space; 0 at the end.
  char Peek() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != text_.npos) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }

  double Number() {
    const size_t end = text_.find_first_not_of("+-.0123456789eE", at_);
    const std::string digits(text_.substr(at_, end - at_));
    at_ += digits.size();
    return std::strtod(digits.c_str(), nullptr);
  }

  uint32_t FourHexDigits() {
    const std::string digits(text_.substr(at_, 4));
    at_ += 4;
    return static_cast<uint32_t>(std::strtoul(digits.c_str(), nullptr, 16));
  }

  void AppendEscape(std::string& out) {
    const char escape = text_[at_++];
    const std::string_view names = "bfnrt", meanings = "\b\f\n\r\t";
    if (const size_t i = names.find(escape); i != names.npos) {
      out.push_back(meanings[i]);
      return;
    }
    if (escape != 'u') {
      out.push_back(escape);
      return;
    }
    uint32_t scalar = FourHexDigits();
    if (scalar >= 0xd800 && scalar < 0xdc00) {
      at_ += 2;  // \u
      scalar = 0x10000 + ((scalar - 0xd800) << 10) + (FourHexDigits() - 0xdc00);
    }
    if (scalar < 0x80) {
      out.push_back(static_cast<char>(scalar));
      return;
    }
    const int tails = scalar < 0x800 ? 1 : scalar < 0x10000 ? 2 : 3;
    const uint32_t marks[] = {0, 0xc0, 0xe0, 0xf0};
    out.push_back(static_cast<char>(marks[tails] | scalar >> (6 * tails)));
    for (int i = tails - 1; i >= 0; --i) {
      out.push_back(static_cast<char>(0x80 | (scalar >> (6 * i) & 0x3f)));
    }
  }

  std::string Text() {
    std::string out;
    for (++at_; text_[at_] != '"';) {
      const char c = text_[at_++];
      if (c == '\\') {
        AppendEscape(out);
      } else {
        out.push_back(c);
      }
    }
    ++at_;
    return out;
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

const PlainJson* PlainJson::Member(std::string_view token) const {
  if (kind == Kind::kObject) {
    for (size_t i = 0; i < keys.size(); ++i) {
      if (keys[i] == token) return &elements[i];
    }
  }
  if (kind == Kind::kArray) {
    for (size_t i = 0; i < elements.size(); ++i) {
      if (std::to_string(i) == token) return &elements[i];
    }
  }
  return nullptr;
}

PlainJson ParsePlainJson(std::string_view text) {
  return Parser(text).Value();
}

}  // namespace routines::testing
