#include "capi/src/events.h"

#include "absl/strings/str_cat.h"
#include "capi/src/json_forms.h"
#include "routines/filter.h"
#include "routines/routine.h"

namespace routines::capi {
namespace {

constexpr size_t kMostAttributes = 1000;

EventView ViewOfEvent(const routines_event& event) {
  return {
      .source = ViewOf(event.source), .type = ViewOf(event.type), .payload = ViewOf(event.payload)};
}

}  // namespace

absl::Status ReadEvent(const routines_event* in, routines_event* out) {
  absl::Status status =
      ReadStruct(in, ROUTINES_C_SIZE_WITH(routines_event, replay_window_ns), "event", out);
  if (status.ok()) status = CheckBytes(out->payload, "event.payload");
  if (status.ok()) {
    status = CheckTexts({{out->source, "event.source"},
                         {out->type, "event.type"},
                         {out->external_id, "event.external_id"},
                         {out->account, "event.account"},
                         {out->body_key, "event.body_key"}});
  }
  if (!status.ok()) return status;
  if (out->attribute_count > kMostAttributes) {
    return absl::InvalidArgumentError("event.attribute_count: at most 1,000");
  }
  if (out->attribute_count > 0 && out->attributes == nullptr) {
    return absl::InvalidArgumentError("event.attributes: is NULL and has a count");
  }
  for (size_t i = 0; i < out->attribute_count && status.ok(); ++i) {
    status = CheckTexts({{out->attributes[i].name, "event.attributes.name"},
                         {out->attributes[i].value, "event.attributes.value"}});
  }
  return status;
}

void CopyAttributes(const routines_event& event,
                    google::protobuf::Map<std::string, std::string>* map) {
  for (size_t i = 0; i < event.attribute_count; ++i) {
    const routines_attribute& attribute = event.attributes[i];
    (*map)[std::string(ViewOf(attribute.name))] = std::string(ViewOf(attribute.value));
  }
}

DeliverRequest DeliverRequestOf(const routines_event& event) {
  DeliverRequest request;
  request.event.set_source(std::string(ViewOf(event.source)));
  request.event.set_type(std::string(ViewOf(event.type)));
  request.event.set_payload(std::string(ViewOf(event.payload)));
  request.event.set_external_id(std::string(ViewOf(event.external_id)));
  request.event.set_account(std::string(ViewOf(event.account)));
  CopyAttributes(event, request.event.mutable_attributes());
  request.body_key = std::string(ViewOf(event.body_key));
  request.replay_window = absl::Nanoseconds(event.replay_window_ns);
  return request;
}

Answer LoadText(routines_string text, routines_string file, v1::Routine* routine) {
  // Of the text itself the loader says more: where it is not UTF-8.
  ROUTINES_C_RETURN_IF_ERROR(CheckBytes({text.data, text.size}, "text"));
  ROUTINES_C_RETURN_IF_ERROR(CheckText(file, "file"));
  LoadResult loaded = LoadRoutine(ViewOf(text), file.size == 0 ? "routine" : ViewOf(file));
  if (!loaded.ok()) {
    std::string message;
    for (const Problem& problem : loaded.problems) {
      absl::StrAppend(&message, message.empty() ? "" : "\n", problem.ToString());
    }
    return Answer(ROUTINES_INVALID_ARGUMENT, message, ProblemsJson(loaded.problems));
  }
  *routine = std::move(loaded.routine);
  return ROUTINES_OK;
}

}  // namespace routines::capi

using namespace routines;        // NOLINT: what follows has C names
using namespace routines::capi;  // NOLINT

routines_code routines_routine_load(routines_string text, routines_string file,
                                    routines_text** json, routines_error** error) {
  if (json != nullptr) *json = nullptr;
  return Call(error, [&]() -> Answer {
    ROUTINES_C_RETURN_IF_ERROR(CheckOut(json, "json"));
    v1::Routine routine;
    ROUTINES_C_RETURN_IF_ERROR(LoadText(text, file, &routine));
    GiveText(ToJson(routine), json);
    return ROUTINES_OK;
  });
}

routines_code routines_event_check(const routines_event* event, routines_error** error) {
  return Call(error, [&]() -> Answer {
    routines_event read;
    ROUTINES_C_RETURN_IF_ERROR(ReadEvent(event, &read));
    const EventView view = ViewOfEvent(read);
    if (view.source == "github") return CheckGithubPayload(view.type, view.payload);
    if (view.payload.empty()) return ROUTINES_OK;
    return CheckPayload(view.payload);
  });
}

routines_code routines_event_explain(const routines_event* event, routines_string routine,
                                     routines_text** json, routines_error** error) {
  if (json != nullptr) *json = nullptr;
  return Call(error, [&]() -> Answer {
    ROUTINES_C_RETURN_IF_ERROR(CheckOut(json, "json"));
    routines_event read;
    ROUTINES_C_RETURN_IF_ERROR(ReadEvent(event, &read));
    v1::Routine loaded;
    ROUTINES_C_RETURN_IF_ERROR(LoadText(routine, {}, &loaded));
    v1::Event attributes;
    CopyAttributes(read, attributes.mutable_attributes());
    EventView view = ViewOfEvent(read);
    view.attributes = &attributes.attributes();
    const absl::StatusOr<Explanation> why = Explain(view, loaded);
    if (!why.ok()) return why.status();
    GiveText(absl::StrCat("{\"account\":", JsonString(loaded.account()),
                          ",\"routine\":", JsonString(loaded.name()),
                          ",\"matched\":", why->matched ? "true" : "false",
                          ",\"triggers\":", TriggersJson(*why), "}"),
             json);
    return ROUTINES_OK;
  });
}
