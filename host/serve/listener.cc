#include "serve/listener.h"

#include <future>

#include "clock.h"
#include "log.h"
#include "serve/answer_of.h"
#include "serve/control.h"

namespace heddle {
Result<std::unique_ptr<Listener>> Listener::open(const ListenSettings& settings, const Catalog& catalog, Lanes& lanes, std::vector<Operation> operations, Receive receive) {
  const CatalogEntry entry = catalog.find("transport", settings.transport);
  if (!entry.type) {
    const std::string hint = catalog.hint_for("transport", settings.transport);
    return Error("no-type", "no plugin has the transport \"" + settings.transport + "\"" + (hint.empty() ? "" : "; " + hint), ErrorClass::kConfig);
  }
  std::unique_ptr<Listener> out(new Listener(settings));
  auto transport = TransportHandle::create(entry, settings.transport, settings.params, &lanes, *lanes.find("control"));
  if (!transport) return std::move(transport).error();
  out->transport_ = *std::move(transport);
  TransportHandle& handle = *out->transport_;
  if (auto active = answer_of<void>([&](auto done) { handle.activate(std::move(done)); }); !active) return std::move(active).error();
  out->active_ = true;
  const Offer offer{settings.endpoint, settings.limits, std::move(operations), std::string(Control::kOtherwise)};
  auto endpoint = answer_of<std::string>([&](auto done) { out->id_ = handle.listen(offer, std::move(receive), std::move(done)); });
  if (!endpoint) {
    out->closing_ = true;  // there is nothing to close
    return std::move(endpoint).error();
  }
  out->endpoint_ = *std::move(endpoint);
  return out;
}

Listener::~Listener() {
  if (!active_) return;
  if (!closing_) {
    std::promise<void> closed;
    close(now_ns(), [&closed] { closed.set_value(); });
    closed.get_future().wait();
  }
  auto ended = answer_of<void>([&](auto done) { transport_->deactivate(std::move(done)); });
  if (!ended) log::write(log::Level::kWarn, settings_.transport, "it did not end cleanly: " + ended.error().text());
}

void Listener::close(uint64_t until_ns, std::function<void()> closed) {
  closing_ = true;
  transport_->close(id_, until_ns, [name = settings_.transport, closed = std::move(closed)](Result<void> outcome) {
    if (!outcome) log::write(log::Level::kWarn, name, "it did not close cleanly: " + outcome.error().text());
    closed();
  });
}

bool is_in_the_way(const Listener& there, const ListenSettings& wanted) {
  const auto port = [](const std::string& endpoint) { return endpoint.substr(endpoint.rfind(':') + 1); };
  return port(there.endpoint()) == port(wanted.endpoint);
}

bool same(const ListenSettings& a, const ListenSettings& b) {
  const ListenLimits &x = a.limits, &y = b.limits;
  return a.transport == b.transport && a.endpoint == b.endpoint && a.params == b.params && x.body_bytes == y.body_bytes && x.requests == y.requests &&
         x.header_ms == y.header_ms && x.request_ms == y.request_ms && x.idle_ms == y.idle_ms && x.stall_ms == y.stall_ms;
}

}  // namespace heddle
