#include "api.h"

#include <curl/curl.h>
#include <heddle/sdk.h>
#include <heddle/sdk/quiet.h>

#include <algorithm>
#include <utility>


namespace broker_http {
namespace {

using heddle::sdk::Error;

constexpr int kIdleMs = 60'000;  // a wake-up ends it before

CURLM* new_multi() {
  static const CURLcode ready = ::curl_global_init(CURL_GLOBAL_DEFAULT);
  CURLM* const multi = ready == CURLE_OK ? ::curl_multi_init() : nullptr;
  if (!multi) throw Error(HEDDLE_INTERNAL, "libcurl does not start");
  return multi;
}

void answer(const Api::Answered& answered, Reply reply) {
  heddle::sdk::detail::guard([&] { answered(std::move(reply)); }, [](heddle_status, std::string_view) {});
}

}  // namespace

// One question with its answer while it comes in.
class Api::Transfer {
 public:
  // Throws Error.
  Transfer(const ApiParams& params, Asked asked) : params_(params), asked_(std::move(asked)), easy_(::curl_easy_init()) {
    if (!easy_) throw Error(HEDDLE_EXHAUSTED, "there is no memory for a connection");
    for (const std::string& field : {"Authorization: Bearer " + asked_.token, std::string("Content-Type: application/json"), std::string("Accept: application/json"), std::string("Expect:")})
      if (curl_slist* const longer = ::curl_slist_append(fields_.get(), field.c_str())) {
        fields_.release();
        fields_.reset(longer);
      } else {
        throw Error(HEDDLE_EXHAUSTED, "there is no memory for a request");
      }
    set(CURLOPT_URL, params_.url.c_str());
    set(CURLOPT_HTTPHEADER, fields_.get());
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(asked_.body.size()));
    set(CURLOPT_POSTFIELDS, asked_.body.c_str());
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_PROXY, "");  // the token goes to the API and to nobody else
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(params_.connect_ms));
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(params_.connect_ms + params_.answer_ms));
    set(CURLOPT_ACCEPT_ENCODING, nullptr);  // what is counted is what comes in
    set(CURLOPT_USERAGENT, "heddle");
    if (!params_.ca.empty()) {
      set(CURLOPT_CAINFO, params_.ca.c_str());
      set(CURLOPT_CAPATH, nullptr);
    }
    set(CURLOPT_WRITEFUNCTION, &Transfer::on_bytes);
    set(CURLOPT_WRITEDATA, static_cast<void*>(this));
    set(CURLOPT_PRIVATE, static_cast<void*>(this));
  }

  CURL* easy() const { return easy_.get(); }
  const Answered& answered() const { return asked_.answered; }
  Reply reply(CURLcode code) {
    if (code == CURLE_OK) {
      long status = 0;
      ::curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
      return {.status = static_cast<int>(status), .body = std::move(body_)};
    }
    return {.why = why(code)};
  }

 private:
  struct Ends {
    void operator()(CURL* easy) const { ::curl_easy_cleanup(easy); }
    void operator()(curl_slist* list) const { ::curl_slist_free_all(list); }
  };

  template <class T>
  void set(CURLoption option, T value) {
    if (::curl_easy_setopt(easy_.get(), option, value) != CURLE_OK) throw Error(HEDDLE_INTERNAL, "libcurl does not take the option " + std::to_string(option));
  }
  static size_t on_bytes(char* data, size_t, size_t size, void* to) {
    auto& self = *static_cast<Transfer*>(to);
    self.is_too_large_ = self.body_.size() + size > kMostBody;
    bool fine = false;
    if (!self.is_too_large_) heddle::sdk::detail::guard([&] { fine = (self.body_.append(data, size), true); }, [](heddle_status, std::string_view) {});
    return fine ? size : 0;
  }
  std::string why(CURLcode code) const {
    if (is_too_large_) return "answers with more than " + std::to_string(kMostBody >> 10) + " KiB";
    switch (code) {
      case CURLE_COULDNT_RESOLVE_HOST:
        return "cannot be reached: its name leads nowhere";
      case CURLE_COULDNT_CONNECT:
        return "cannot be reached: nobody is there who takes a connection";
      case CURLE_OPERATION_TIMEDOUT:
        return "gave no whole answer within " + std::to_string(params_.connect_ms + params_.answer_ms) + " ms, or no connection within " + std::to_string(params_.connect_ms) + " ms";
      case CURLE_PEER_FAILED_VERIFICATION:
        return "is not trusted: its certificate is for another name, not of this time, or from an authority that is not known here (name it in \"ca\" if it is to be trusted)";
      case CURLE_SSL_CACERT_BADFILE:
        return "cannot be checked: the file of authorities " + params_.ca + " cannot be used";
      case CURLE_SSL_CONNECT_ERROR:
        return "cannot be reached: there is no TLS with it";
      case CURLE_GOT_NOTHING:
      case CURLE_RECV_ERROR:
      case CURLE_SEND_ERROR:
      case CURLE_PARTIAL_FILE:
        return "ended the connection before its answer was whole";
      default:
        return std::string("cannot be asked: ") + ::curl_easy_strerror(code);
    }
  }

  const ApiParams& params_;
  const Asked asked_;
  std::string body_;
  bool is_too_large_ = false;
  std::unique_ptr<curl_slist, Ends> fields_;
  std::unique_ptr<CURL, Ends> easy_;
};

void Api::EndsMulti::operator()(void* multi) const { ::curl_multi_cleanup(multi); }

Api::Api(ApiParams params) : params_(std::move(params)), multi_(new_multi()) {
  ::curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, static_cast<long>(kAtATime));
  thread_ = heddle::sdk::quiet_thread([this] { work(); });
}

Api::~Api() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  ::curl_multi_wakeup(multi_.get());
  thread_.join();
}

bool Api::ask(std::string token, std::string body, Answered answered) {
  {
    std::lock_guard lock(mutex_);
    if (waiting_.size() >= kMostWaiting || stopping_) return false;
    waiting_.push_back({std::move(token), std::move(body), std::move(answered)});
  }
  ::curl_multi_wakeup(multi_.get());
  return true;
}

void Api::work() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    while (!waiting_.empty() && under_way_.size() < kAtATime) {
      Asked next = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      begin(std::move(next));
      lock.lock();
    }
    lock.unlock();
    int running = 0;
    ::curl_multi_perform(multi_.get(), &running);
    const size_t before = under_way_.size();
    end_finished();
    // One that has ended makes room for one that waits.
    if (under_way_.size() == before) ::curl_multi_poll(multi_.get(), nullptr, 0, kIdleMs, nullptr);
    lock.lock();
  }
  lock.unlock();
  end_all();
}

void Api::begin(Asked asked) {
  const Answered answered = asked.answered;
  const auto fail = [&](heddle_status, std::string_view why) { answer(answered, {.why = "cannot be asked: " + std::string(why)}); };
  heddle::sdk::detail::guard(
      [&] {
        auto transfer = std::make_unique<Transfer>(params_, std::move(asked));
        under_way_.reserve(kAtATime);
        if (::curl_multi_add_handle(multi_.get(), transfer->easy()) != CURLM_OK) throw Error(HEDDLE_EXHAUSTED, "libcurl takes no more");
        under_way_.push_back(std::move(transfer));
      },
      fail);
}

void Api::end_finished() {
  int left = 0;
  while (const CURLMsg* const message = ::curl_multi_info_read(multi_.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    CURL* const easy = message->easy_handle;
    const auto at = std::find_if(under_way_.begin(), under_way_.end(), [&](const auto& one) { return one->easy() == easy; });
    ::curl_multi_remove_handle(multi_.get(), easy);
    if (at == under_way_.end()) continue;
    const std::unique_ptr<Transfer> ended = std::move(*at);
    under_way_.erase(at);
    answer(ended->answered(), ended->reply(code));
  }
}

void Api::end_all() {
  for (const auto& one : under_way_) {
    ::curl_multi_remove_handle(multi_.get(), one->easy());
    answer(one->answered(), {.is_cancelled = true});
  }
  under_way_.clear();
  std::deque<Asked> left;
  {
    std::lock_guard lock(mutex_);
    left.swap(waiting_);
  }
  for (const Asked& one : left) answer(one.answered, {.is_cancelled = true});
}

}  // namespace broker_http
