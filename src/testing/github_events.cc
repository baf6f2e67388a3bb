#include "routines/testing/github_events.h"

#include <cstdlib>
#include <iostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "routines/event.h"
#include "src/base/status_macros.h"
#include "src/base/words.h"
#include "src/testing/github_payloads.h"
#include "src/testing/json_tree.h"

namespace routines::testing {
namespace {

constexpr absl::string_view kBranchPrefix = "refs/heads/";

// A row of the field table: its pointers, and how its value is made of what is there.
struct Recipe {
  std::vector<std::string> pointers;
  std::string derivation;
};

Recipe RecipeOf(const FieldInfo& info) {
  const std::pair<std::string, std::string> parts = absl::StrSplit(
      absl::string_view(info.path.data(), info.path.size()), absl::MaxSplits(": ", 1));
  return {absl::StrSplit(parts.first, " | "), parts.second};
}

Json NullJson() {
  Json json;
  json.set_null_value(google::protobuf::NULL_VALUE);
  return json;
}

absl::Status Expected(std::string_view field, std::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat(std::string(field), ": expected ", std::string(what)));
}

// What a repository has of its name. `member`: the pointer to the repository.
absl::Status SetRepository(Json& payload, const std::string& member, std::string_view full_name) {
  if (FindJson(payload, member) == nullptr) return absl::OkStatus();
  const size_t slash = full_name.find('/');
  const std::string owner(full_name.substr(0, slash)), name(full_name.substr(slash + 1));
  const std::string place = absl::StrCat("github.com/", owner, "/", name);
  RETURN_IF_ERROR(SetJson(payload, member + "/full_name", TextJson(full_name)));
  RETURN_IF_ERROR(SetJson(payload, member + "/name", TextJson(name)));
  RETURN_IF_ERROR(SetJson(payload, member + "/owner/login", TextJson(owner)));
  RETURN_IF_ERROR(SetJson(payload, member + "/html_url", TextJson("https://" + place)));
  return SetJson(payload, member + "/clone_url", TextJson(absl::StrCat("https://", place, ".git")));
}

// Labels are objects with a name, paths texts. `pointer` is that of the array.
absl::Status SetList(Json& payload, std::string_view pointer, std::string_view member,
                     const google::protobuf::ListValue& texts) {
  Json list;
  list.mutable_list_value();
  for (const Json& text : texts.values()) {
    Json& element = *list.mutable_list_value()->add_values();
    if (member.empty()) {
      element = text;
    } else {
      RETURN_IF_ERROR(SetJson(element, member, text));
    }
  }
  return SetJson(payload, pointer, std::move(list));
}

// labels: /issue/labels/*/name. changed_paths: /commits/*/added/* and two more: all of them count
// as modified by one commit.
absl::Status SetSet(Json& payload, const FieldInfo& info, const Recipe& recipe, const Json& value) {
  if (!value.has_list_value()) return Expected(info.field, "a list of texts");
  for (const Json& text : value.list_value().values()) {
    if (!text.has_string_value()) return Expected(info.field, "a list of texts");
  }
  if (info.type == FieldType::kLabels) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(recipe.pointers[0], "/*");
    return SetList(payload, parts.first, parts.second, value.list_value());
  }
  const Json* const commits = FindJson(payload, "/commits");
  Json one = commits != nullptr && commits->list_value().values_size() > 0
                 ? commits->list_value().values(0)
                 : Json();
  for (const char* const kind : {"/added", "/removed"}) RETURN_IF_ERROR(SetList(one, kind, "", {}));
  RETURN_IF_ERROR(SetList(one, "/modified", "", value.list_value()));
  Json list;
  *list.mutable_list_value()->add_values() = one;
  RETURN_IF_ERROR(SetJson(payload, "/head_commit", std::move(one)));
  return SetJson(payload, "/commits", std::move(list));
}

absl::Status SetBoolean(Json& payload, const FieldInfo& info, const Recipe& recipe,
                        const Json& value) {
  if (value.kind_case() != Json::kBoolValue) return Expected(info.field, "true or false");
  if (recipe.derivation == "whether it is there") {
    return SetJson(payload, recipe.pointers[0],
                   value.bool_value() ? TextJson("2026-01-05T08:59:58Z") : NullJson());
  }
  if (recipe.derivation.empty()) return SetJson(payload, recipe.pointers[0], value);
  // Whether two names differ: those of the repositories that a branch comes from and goes to.
  const Json* const base = FindJson(payload, recipe.pointers[1]);
  const std::string name = base == nullptr ? "acme/api" : base->string_value();
  const std::string head(absl::StripSuffix(recipe.pointers[0], "/full_name"));
  const std::string fork = "fork-of-" + name;
  RETURN_IF_ERROR(SetRepository(payload, head, value.bool_value() ? fork : name));
  return SetJson(payload, head + "/fork", value);
}

absl::Status SetText(Json& payload, const FieldInfo& info, const Recipe& recipe,
                     const Json& value) {
  if (value.kind_case() == Json::kNullValue) return SetJson(payload, recipe.pointers[0], value);
  if (!value.has_string_value()) return Expected(info.field, "text");
  std::string text = value.string_value();
  const Json* const there = FindJson(payload, recipe.pointers[0]);
  const bool full = recipe.derivation == "what follows refs/heads/" ||
                    (recipe.derivation == "without refs/heads/" && there != nullptr &&
                     absl::StartsWith(there->string_value(), kBranchPrefix));
  if (full) text = absl::StrCat(kBranchPrefix, text);
  if (recipe.derivation == "what follows refs/tags/") text = "refs/tags/" + text;
  return SetJson(payload, recipe.pointers[0], TextJson(text));
}

void Overlay(const google::protobuf::Struct& from, google::protobuf::Struct& to) {
  for (const auto& [key, value] : from.fields()) {
    Json& place = (*to.mutable_fields())[key];
    if (value.has_struct_value() && place.has_struct_value()) {
      Overlay(value.struct_value(), *place.mutable_struct_value());
    } else {
      place = value;
    }
  }
}

}  // namespace

GithubEvent::GithubEvent(std::string_view event) : event_(event) {
  if (const Json* const usual = UsualPayload(event)) {
    payload_ = *usual;
    return;
  }
  std::vector<std::string> known;
  for (const GithubEventInfo& info : GithubEvents()) known.emplace_back(info.event);
  Keep(absl::InvalidArgumentError(UnknownWord("event", event, known)));
}

GithubEvent& GithubEvent::Keep(const absl::Status& status) {
  status_.Update(status);
  return *this;
}

GithubEvent& GithubEvent::Action(std::string_view action) {
  const GithubEventInfo* const info = FindGithubEvent(event_);
  if (info != nullptr && !info->has_action) {
    return Keep(absl::InvalidArgumentError(absl::StrCat("action: a ", event_, " has none")));
  }
  return Keep(SetJson(payload_, "/action", TextJson(action)));
}

GithubEvent& GithubEvent::Repository(std::string_view full_name) {
  if (full_name.find('/') == full_name.npos) {
    return Keep(Expected("repository", "owner/name"));
  }
  const Json* const fork = FindJson(payload_, "/pull_request/head/repo/fork");
  if (fork == nullptr || !fork->bool_value()) {
    Keep(SetRepository(payload_, "/pull_request/head/repo", full_name));
  }
  for (const char* const member :
       {"/pull_request/base/repo", "/workflow_run/repository", "/workflow_run/head_repository"}) {
    Keep(SetRepository(payload_, member, full_name));
  }
  if (FindJson(payload_, "/repository") == nullptr) {
    Keep(SetJson(payload_, "/repository", *FindJson(*UsualPayload("push"), "/repository")));
  }
  return Keep(SetRepository(payload_, "/repository", full_name));
}

GithubEvent& GithubEvent::DeliveryId(std::string_view id) {
  delivery_id_ = std::string(id);
  return *this;
}

absl::Status GithubEvent::SetField(std::string_view field, const Json& value) {
  if (field.starts_with('/')) return SetJson(payload_, field, value);
  const FieldInfo* const info = FindGithubField(event_, field);
  if (info == nullptr) {
    std::vector<std::string> known;
    for (const FieldInfo& each : GithubFields()) {
      if (each.event == event_) known.emplace_back(each.field);
    }
    return absl::InvalidArgumentError(
        absl::StrCat("a ", event_, " event has the ", UnknownWord("field", field, known)));
  }
  const Recipe recipe = RecipeOf(*info);
  if (info->type == FieldType::kLabels || info->type == FieldType::kPaths) {
    return SetSet(payload_, *info, recipe, value);
  }
  if (info->type == FieldType::kBoolean) return SetBoolean(payload_, *info, recipe, value);
  return SetText(payload_, *info, recipe, value);
}

GithubEvent& GithubEvent::Set(std::string_view field, const Json& value) {
  return status_.ok() ? Keep(SetField(field, value)) : *this;
}

GithubEvent& GithubEvent::Set(std::string_view field, std::string_view text) {
  return Set(field, TextJson(text));
}

GithubEvent& GithubEvent::Set(std::string_view field, const char* text) {
  return Set(field, TextJson(text));
}

GithubEvent& GithubEvent::Set(std::string_view field, bool boolean) {
  return Set(field, BoolJson(boolean));
}

GithubEvent& GithubEvent::Set(std::string_view field, double number) {
  Json json;
  json.set_number_value(number);
  return Set(field, json);
}

GithubEvent& GithubEvent::Set(std::string_view field, int number) {
  return Set(field, static_cast<double>(number));
}

GithubEvent& GithubEvent::Set(std::string_view field, const std::vector<std::string>& texts) {
  Json json;
  json.mutable_list_value();
  for (const std::string& text : texts) *json.mutable_list_value()->add_values() = TextJson(text);
  return Set(field, json);
}

GithubEvent& GithubEvent::Payload(const google::protobuf::Struct& payload) {
  *payload_.mutable_struct_value() = payload;
  return *this;
}

GithubEvent& GithubEvent::Merge(const google::protobuf::Struct& payload) {
  Overlay(payload, *payload_.mutable_struct_value());
  return *this;
}

absl::StatusOr<v1::Event> GithubEvent::TryBuild() const {
  RETURN_IF_ERROR(status_);
  v1::Event event;
  event.set_source("github");
  event.set_type(event_);
  event.set_external_id(delivery_id_);
  event.set_payload(WriteJson(payload_));
  RETURN_IF_ERROR(CheckGithubPayload(event_, event.payload()));
  return event;
}

v1::Event GithubEvent::Build() const {
  absl::StatusOr<v1::Event> event = TryBuild();
  if (event.ok()) return *std::move(event);
  std::cerr << "GithubEvent: " << event.status() << std::endl;
  std::abort();
}

}  // namespace routines::testing
