// Tests of configurations.
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "capi/src/call.h"
#include "capi/src/events.h"
#include "capi/src/json_forms.h"
#include "routines/testing/cases.h"

namespace routines::capi {
namespace {

Answer LoadCases(routines_string path, testing::CaseFile* file) {
  ROUTINES_C_RETURN_IF_ERROR(CheckText(path, "path"));
  if (path.size == 0 || ViewOf(path).find('\0') != std::string_view::npos) {
    return absl::InvalidArgumentError("path: must be that of a file");
  }
  *file = testing::LoadCaseFile(std::string(ViewOf(path)));
  if (file->ok()) return ROUTINES_OK;
  std::string message;
  for (const Problem& problem : file->problems) {
    absl::StrAppend(&message, message.empty() ? "" : "\n", problem.ToString());
  }
  return Answer(ROUTINES_INVALID_ARGUMENT, message, ProblemsJson(file->problems));
}

std::string TestEventJson(const v1::Event& event) {
  std::string attributes;
  for (const auto& [name, value] : event.attributes()) {
    absl::StrAppend(&attributes, attributes.empty() ? "" : ",", JsonString(name), ":",
                    JsonString(value));
  }
  return absl::StrCat("{\"source\":", JsonString(event.source()),
                      ",\"type\":", JsonString(event.type()),
                      ",\"external_id\":", JsonString(event.external_id()),
                      ",\"account\":", JsonString(event.account()), ",\"attributes\":{", attributes,
                      "},\"payload\":", JsonString(event.payload()), "}");
}

}  // namespace
}  // namespace routines::capi

using namespace routines;        // NOLINT: what follows has C names
using namespace routines::capi;  // NOLINT

routines_code routines_test_event(routines_string text, routines_text** json,
                                  routines_error** error) {
  if (json != nullptr) *json = nullptr;
  return Call(error, [&]() -> Answer {
    ROUTINES_C_RETURN_IF_ERROR(CheckOut(json, "json"));
    ROUTINES_C_RETURN_IF_ERROR(CheckText(text, "text"));
    const absl::StatusOr<v1::Event> event = testing::ParseEvent(ViewOf(text));
    if (!event.ok()) return event.status();
    GiveText(TestEventJson(*event), json);
    return ROUTINES_OK;
  });
}

routines_code routines_test_try(const routines_event* event, routines_string routine, int32_t fires,
                                routines_string because, routines_text** json,
                                routines_error** error) {
  if (json != nullptr) *json = nullptr;
  return Call(error, [&]() -> Answer {
    ROUTINES_C_RETURN_IF_ERROR(CheckOut(json, "json"));
    routines_event read;
    ROUTINES_C_RETURN_IF_ERROR(ReadEvent(event, &read));
    ROUTINES_C_RETURN_IF_ERROR(CheckText(because, "because"));
    if (fires < -1 || fires > 1) {
      return absl::InvalidArgumentError("fires: must be 1, 0, or -1 for either");
    }
    v1::Routine loaded;
    ROUTINES_C_RETURN_IF_ERROR(LoadText(routine, {}, &loaded));
    v1::TestCase expected;
    if (fires >= 0) {
      expected.set_expect(fires == 1 ? v1::TEST_VERDICT_FIRES : v1::TEST_VERDICT_DOES_NOT_FIRE);
    }
    expected.set_because(std::string(ViewOf(because)));
    const v1::TestResult result = testing::TryEvent(loaded, DeliverRequestOf(read).event, expected);
    GiveText(absl::StrCat("{\"passed\":", result.passed() ? "true" : "false", ",\"result\":",
                          ToJson(result), ",\"text\":", JsonString(testing::CaseText(result)), "}"),
             json);
    return ROUTINES_OK;
  });
}

routines_code routines_test_list(routines_string path, routines_text** json,
                                 routines_error** error) {
  if (json != nullptr) *json = nullptr;
  return Call(error, [&]() -> Answer {
    ROUTINES_C_RETURN_IF_ERROR(CheckOut(json, "json"));
    testing::CaseFile file;
    ROUTINES_C_RETURN_IF_ERROR(LoadCases(path, &file));
    const std::string cases = JsonList(file.cases, [](const testing::Case& each) {
      return absl::StrCat("{\"name\":", JsonString(each.test.name()), ",\"line\":", each.line, "}");
    });
    GiveText(absl::StrCat("{\"file\":", JsonString(file.path), ",\"cases\":", cases, "}"), json);
    return ROUTINES_OK;
  });
}

routines_code routines_test_run(routines_string path, routines_text** json,
                                routines_error** error) {
  if (json != nullptr) *json = nullptr;
  return Call(error, [&]() -> Answer {
    ROUTINES_C_RETURN_IF_ERROR(CheckOut(json, "json"));
    testing::CaseFile file;
    ROUTINES_C_RETURN_IF_ERROR(LoadCases(path, &file));
    std::vector<v1::TestResult> results;
    for (size_t i = 0; i < file.cases.size(); ++i) results.push_back(testing::RunCase(file, i));
    const std::string texts =
        JsonList(results, [](const auto& result) { return JsonString(testing::CaseText(result)); });
    GiveText(absl::StrCat("{\"file\":", JsonString(file.path), ",\"results\":",
                          JsonList(results, [](const auto& result) { return ToJson(result); }),
                          ",\"texts\":", texts, "}"),
             json);
    return ROUTINES_OK;
  });
}
