// Trigger sources and secrets of a host.
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "capi/src/engine.h"
#include "capi/src/events.h"
#include "routines/secrets.h"
#include "routines/trigger_source.h"

namespace routines::capi {
namespace {

class SinkObject : public Object {
 public:
  SinkObject(std::shared_ptr<EventSink> s, EngineId id)
      : sink(std::move(s)), engine(std::move(id)) {}
  const std::shared_ptr<EventSink> sink;
  const EngineId engine;
};

}  // namespace

template <>
struct Named<SinkObject> {
  static constexpr Noun kNoun = Noun::kSink;
  using Handle = routines_sink;
};

namespace {

absl::Status StatusOf(routines_code code, std::string_view who) {
  if (code == ROUTINES_OK) return absl::OkStatus();
  const bool known = code > ROUTINES_OK && code <= ROUTINES_UNAUTHENTICATED;
  return absl::Status(known ? static_cast<absl::StatusCode>(code) : absl::StatusCode::kInternal,
                      absl::StrCat(std::string(who), " returned ", routines_code_name(code)));
}

class HostSource : public TriggerSource {
 public:
  HostSource(const routines_source& source, EngineId id)
      : source_(source), engine_(std::move(id)) {}
  ~HostSource() override {
    if (handle_ != nullptr) (void)End<SinkObject>(handle_);
    if (source_.destroy == nullptr) return;
    (void)CallOut(engine_.get(), [&] { source_.destroy(source_.self); });
  }

  absl::Status Start(std::shared_ptr<EventSink> sink) override {
    // A second start, after one that failed: the sink before is closed.
    if (handle_ != nullptr) (void)End<SinkObject>(std::exchange(handle_, nullptr));
    handle_ = Make<SinkObject>(std::move(sink), engine_);
    routines_code code = ROUTINES_OK;
    const absl::Status status =
        CallOut(engine_.get(), [&] { code = source_.start(source_.self, handle_); });
    return status.ok() ? StatusOf(code, "its start") : status;
  }

  void Stop() override {
    (void)CallOut(engine_.get(), [&] { source_.stop(source_.self); });
  }

 private:
  const routines_source source_;
  const EngineId engine_;
  routines_sink* handle_ = nullptr;
};

class HostSecrets : public SecretProvider {
 public:
  HostSecrets(const routines_secrets& secrets, EngineId id)
      : secrets_(secrets), engine_(std::move(id)) {}
  ~HostSecrets() override {
    if (secrets_.destroy == nullptr) return;
    (void)CallOut(engine_.get(), [&] { secrets_.destroy(secrets_.self); });
  }

  absl::StatusOr<std::string> Get(std::string_view account, std::string_view name) override {
    routines_text* value = nullptr;
    routines_code code = ROUTINES_OK;
    absl::Status status = CallOut(engine_.get(), [&] {
      code = secrets_.get(secrets_.self, StringOf(account), StringOf(name), &value);
    });
    if (status.ok()) status = StatusOf(code, "the host's secret provider");
    if (!status.ok()) {
      (void)End<TextObject>(value);
      return status;
    }
    const Ref<TextObject> text(value);
    if (text.code() != ROUTINES_OK) {
      return absl::InternalError("the host's secret provider gave no text");
    }
    (void)End<TextObject>(value);
    return text->text;
  }

 private:
  const routines_secrets secrets_;
  const EngineId engine_;
};

}  // namespace

std::shared_ptr<TriggerSource> AdaptSource(const routines_source& source, EngineId engine) {
  return std::make_shared<HostSource>(source, std::move(engine));
}

std::shared_ptr<SecretProvider> AdaptSecrets(const routines_secrets& secrets, EngineId engine) {
  return std::make_shared<HostSecrets>(secrets, std::move(engine));
}

}  // namespace routines::capi

using namespace routines;        // NOLINT: what follows has C names
using namespace routines::capi;  // NOLINT

routines_code routines_sink_emit(routines_sink* sink, const routines_event* event,
                                 routines_text** json, routines_error** error) {
  if (json != nullptr) *json = nullptr;
  return Call(error, [&]() -> Answer {
    const Ref<SinkObject> object(sink);
    ROUTINES_C_RETURN_IF_ERROR(object.code());
    routines_event read;
    ROUTINES_C_RETURN_IF_ERROR(ReadEvent(event, &read));
    const absl::StatusOr<DeliverResult> result = object->sink->Emit(DeliverRequestOf(read));
    if (!result.ok()) return result.status();
    if (json != nullptr) GiveText(DeliveredJson(*result), json);
    return ROUTINES_OK;
  });
}

routines_code routines_sink_emit_async(routines_sink* sink, const routines_event* event,
                                       routines_emit_callback done, void* self,
                                       routines_error** error) {
  return Call(error, [&]() -> Answer {
    if (done == nullptr) return absl::InvalidArgumentError("done: must not be NULL");
    const Ref<SinkObject> object(sink);
    ROUTINES_C_RETURN_IF_ERROR(object.code());
    routines_event read;
    ROUTINES_C_RETURN_IF_ERROR(ReadEvent(event, &read));
    object->sink->EmitAsync(DeliverRequestOf(read),
                            [engine = object->engine, done, self](const auto& result) {
                              const auto code = static_cast<routines_code>(result.status().code());
                              (void)CallOut(engine.get(), [&] { done(self, code); });
                            });
    return ROUTINES_OK;
  });
}

routines_code routines_sink_stopping(routines_sink* sink, int* stopping) {
  if (stopping != nullptr) *stopping = 0;
  return Call(nullptr, [&]() -> Answer {
    ROUTINES_C_RETURN_IF_ERROR(CheckOut(stopping, "stopping"));
    const Ref<SinkObject> object(sink);
    ROUTINES_C_RETURN_IF_ERROR(object.code());
    *stopping = object->sink->stopping().IsCancelled() ? 1 : 0;
    return ROUTINES_OK;
  });
}
