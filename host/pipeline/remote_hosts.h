// RemoteHosts: the hosts that the operator names for nodes that cannot run here. What each of them offers is asked when the first node needs one, while a pipeline is planned.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "manifest/manifest.h"
#include "pipeline/capabilities.h"
#include "plugin/catalog.h"
#include "plugin/channel.h"
#include "result.h"

namespace heddle {

// One or several that are alike.
struct RemoteHost {
  std::string name = {};
  std::string transport = "http";
  std::vector<std::string> endpoints = {};  // "host:port" or a URL
  std::string auth_token = {};              // a secret
  std::optional<ChannelTls> tls = {};
  bool insecure = false;
};

struct HostOffer {
  RemoteHost host;
  std::optional<Error> silent = {};  // why it could not be asked: nothing else is known then
  HostCapabilities capabilities = {};
  std::map<std::string, std::string, std::less<>> types = {};  // that it runs for others, by name and alias: what the type needs of a machine, as JSON
};

// The params of a RemotePipeline that runs this one node there.
JsonNode params_to_run_on(const RemoteHost& host, const NodeSettings& node);

// What other hosts offer, for who places nodes. Of one thread.
class HostOffers {
 public:
  virtual ~HostOffers() = default;
  // In the order in which the hosts are preferred. The error, of class config: which hosts there are cannot be told.
  virtual Result<const std::vector<HostOffer>*> all() = 0;
  // Of the one that is reached there, named or not.
  virtual Result<const HostOffer*> at(const std::string& endpoint) = 0;
};

class RemoteHosts final : public HostOffers {
 public:
  // Called once, when a node needs one.
  using Named = std::function<Result<std::vector<RemoteHost>>()>;
  // `catalog`, which outlives it, has the transports.
  RemoteHosts(Named named, const Catalog& catalog) : named_(std::move(named)), catalog_(catalog) {}

  // Each host is asked once, the named ones together; the answers are waited for, at most kAskMs.
  Result<const std::vector<HostOffer>*> all() override;
  Result<const HostOffer*> at(const std::string& endpoint) override;

  static constexpr uint64_t kAskMs = 5'000;

 private:
  Result<void> find_out();

  const Named named_;
  const Catalog& catalog_;
  bool is_known_ = false;
  std::vector<RemoteHost> hosts_;
  std::optional<std::vector<HostOffer>> offers_;
  std::map<std::string, HostOffer, std::less<>> unnamed_;  // by endpoint
};

}  // namespace heddle
