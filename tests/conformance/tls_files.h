// For tests with TLS: a folder with authorities and certificates, made by openssl(1).
#pragma once
#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace heddle {

class TlsFiles {
 public:
  TlsFiles() {
    std::string pattern = (std::filesystem::temp_directory_path() / "heddle-tls-XXXXXX").string();
    EXPECT_TRUE(::mkdtemp(pattern.data()));
    folder_ = pattern;
  }
  ~TlsFiles() { std::filesystem::remove_all(folder_); }
  TlsFiles(const TlsFiles&) = delete;
  TlsFiles& operator=(const TlsFiles&) = delete;

  // NAME.pem and NAME.key, of an authority.
  void make_authority(const std::string& name) {
    run("openssl req -x509 " + kKey + " -days 2 -subj /CN=" + name + " -keyout " + name + ".key -out " + name + ".pem");
  }
  // The same of somebody whom `authority` certifies, for `names` ("IP:127.0.0.1,DNS:localhost").
  void make(const std::string& name, const std::string& authority, const std::string& names, int days = 2) {
    std::ofstream(path(name + ".ext")) << "subjectAltName=" << names << "\n";
    run("openssl req " + kKey + " -subj /O=heddle/CN=" + name + " -keyout " + name + ".key -out " + name + ".csr");
    run("openssl x509 -req -days " + std::to_string(days) + " -in " + name + ".csr -CA " + authority + ".pem -CAkey " + authority + ".key -CAcreateserial -extfile " +
        name + ".ext -out " + name + ".pem");
  }
  std::string path(const std::string& file) const { return folder_ + "/" + file; }
  // The params of a transport that serves with NAME's certificate, and `client_ca`, if it is not empty.
  std::string serving(const std::string& name, const std::string& client_ca = "") const {
    return R"({"tls":{"certificate":")" + path(name + ".pem") + R"(","key":")" + path(name + ".key") + "\"" +
           (client_ca.empty() ? "" : R"(,"client_ca":")" + path(client_ca + ".pem") + "\"") + "}}";
  }
  void run(const std::string& command) const {
    ASSERT_EQ(std::system(("cd " + folder_ + " && " + command + " >log 2>&1").c_str()), 0) << command;
  }

 private:
  static inline const std::string kKey = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
  std::string folder_;
};

}  // namespace heddle
