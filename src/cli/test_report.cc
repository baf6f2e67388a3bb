#include "src/cli/test_report.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "routines/json.h"
#include "routines/testing/cases.h"
#include "src/base/utf8.h"
#include "src/cli/terminal.h"

namespace routines::cli {
namespace {

std::string Indented(const std::string& text, std::string_view indent) {
  std::string out;
  for (absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    absl::StrAppend(&out, std::string(indent), line, "\n");
  }
  return out;
}

std::string Cases(int count) {
  return absl::StrCat(count, count == 1 ? " case" : " cases");
}

std::string Place(const v1::TestResult& result) {
  return absl::StrCat(result.file(), ":", result.line());
}

// TAP: # begins a directive, \ escapes.
std::string TapText(std::string_view text) {
  std::string out;
  for (const char c : EscapeControls(text)) {
    if (c == '#' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

// XML 1.0 has no way to write most control characters, U+FFFE and U+FFFF (2.2, "Characters").
std::string XmlText(std::string_view text) {
  std::string out;
  const std::string sound = absl::StrReplaceAll(
      RepairUtf8(text), {{"\xEF\xBF\xBE", "\xEF\xBF\xBD"}, {"\xEF\xBF\xBF", "\xEF\xBF\xBD"}});
  for (const char c : sound) {
    const auto byte = static_cast<unsigned char>(c);
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\n':
        out += "&#10;";
        break;
      default:
        if (byte < 0x20 && c != '\t') {
          out += "\xEF\xBF\xBD";
        } else {
          out.push_back(c);
        }
    }
  }
  return out;
}

std::string FirstFailure(const v1::TestResult& result) {
  return result.failures().empty() ? "" : result.failures(0);
}

}  // namespace

int CountFailed(const std::vector<v1::TestResult>& results) {
  return static_cast<int>(
      std::count_if(results.begin(), results.end(),
                    [](const v1::TestResult& result) { return !result.passed(); }));
}

std::string HumanReport(const std::vector<TestedFile>& files) {
  std::string out;
  int all = 0, all_failed = 0;
  for (const TestedFile& file : files) {
    const int failed = CountFailed(file.results);
    const int count = static_cast<int>(file.results.size());
    all += count;
    all_failed += failed;
    absl::StrAppend(&out, failed == 0 ? Paint("ok", Colour::kGreen) : Paint("FAILED", Colour::kRed),
                    "  ", EscapeControls(file.path), "  ", Cases(count),
                    failed == 0 ? "" : absl::StrCat(", ", failed, " failed"), "\n");
    for (const v1::TestResult& result : file.results) {
      if (result.passed()) continue;
      absl::StrAppend(&out, "\n", EscapeControls(Place(result)), ": ",
                      Paint(EscapeControls(result.name()), Colour::kBold), "\n",
                      Indented(EscapeControls(testing::CaseText(result), true), "  "), "\n");
    }
  }
  absl::StrAppend(&out, Cases(all), ": ", all - all_failed, " passed, ", all_failed, " failed\n");
  return out;
}

std::string TapReport(const std::vector<TestedFile>& files) {
  size_t count = 0;
  for (const TestedFile& file : files) count += file.results.size();
  std::string out = absl::StrCat("TAP version 14\n1..", count, "\n");
  int number = 0;
  for (const TestedFile& file : files) {
    for (const v1::TestResult& result : file.results) {
      absl::StrAppend(&out, result.passed() ? "ok " : "not ok ", ++number, " - ",
                      TapText(file.path), ": ", TapText(result.name()), "\n");
      if (result.passed()) continue;
      absl::StrAppend(&out, "  ---\n  message: ", JsonString(FirstFailure(result)),
                      "\n  severity: fail\n  at:\n    file: ", JsonString(file.path),
                      "\n    line: ", result.line(), "\n  explanation: |\n",
                      Indented(EscapeControls(testing::CaseText(result), true), "    "), "  ...\n");
    }
  }
  return out;
}

std::string JunitReport(const std::vector<TestedFile>& files) {
  std::string suites;
  size_t all = 0;
  int all_failed = 0;
  for (const TestedFile& file : files) {
    const int failed = CountFailed(file.results);
    all += file.results.size();
    all_failed += failed;
    const std::string path = XmlText(file.path);
    absl::StrAppend(&suites, "  <testsuite name=\"", path, "\" tests=\"", file.results.size(),
                    "\" failures=\"", failed, "\" errors=\"0\" skipped=\"0\">\n");
    for (const v1::TestResult& result : file.results) {
      absl::StrAppend(&suites, "    <testcase classname=\"", path, "\" name=\"",
                      XmlText(result.name()), "\" file=\"", path, "\" line=\"", result.line(),
                      "\"");
      if (result.passed()) {
        suites += "/>\n";
        continue;
      }
      absl::StrAppend(&suites, ">\n      <failure message=\"", XmlText(FirstFailure(result)),
                      "\" type=\"failure\">", XmlText(testing::CaseText(result)),
                      "</failure>\n    </testcase>\n");
    }
    suites += "  </testsuite>\n";
  }
  return absl::StrCat("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites tests=\"", all,
                      "\" failures=\"", all_failed, "\" errors=\"0\">\n", suites,
                      "</testsuites>\n");
}

std::string JsonReport(const std::vector<TestedFile>& files) {
  std::string cases;
  size_t count = 0;
  int failed = 0;
  for (const TestedFile& file : files) {
    count += file.results.size();
    failed += CountFailed(file.results);
    for (const v1::TestResult& result : file.results) {
      absl::StrAppend(&cases, cases.empty() ? "\n" : ",\n", ToJson(result));
    }
  }
  return absl::StrCat("{\"passed\":", count - failed, ",\"failed\":", failed, ",\"cases\":[", cases,
                      "\n]}\n");
}

}  // namespace routines::cli
