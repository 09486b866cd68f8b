# values: types and ranges
locals {
  a = local.b
  b = local["c"]
  c = local.a
  d = nosuch(1)
  e = local.missing
  f = local.d
  g = local[hostname]
  h = local["i"]
  i = [for k, v in local : v]
  j = local.h
}
locals {
  d = 2
}
global_defs {
  router_id = ["x"]
  vrrp_version = 3.5
}
vrrp_instance "a" {
  interface         = local.f
  virtual_router_id = "51a"
  priority          = foo
  advert_int        = "500"
  state             = null
  preempt           = 1
  garp_master_delay = "-1s"
  preempt_delay     = "1h"
  nopreempt         = "yes"
  virtual_ipaddress = [
    "10.0.0.1",
    { adress = "10.0.0.2" },
    { address = "10.0.0.3", scope = "planet" },
    { address = "10.0.0.4", dev = ["eth0"] },
    { address = null },
    null,
    5,
    ["10.0.0.5"],
  ]
}
vrrp_instance "b" {
  virtual_ipaddress = "10.0.0.1"
  interface = 1e70
  virtual_router_id = 1e70
}
vrrp_instance "" {
  interface = "a\nb"
  virtual_router_id = 3
  virtual_ipaddress = [for a in ["10.0.0.300", "::1"] : { address = a }]
}
vrrp_instance "d" {
  interface = "eth0"
  virtual_router_id = 4
  virtual_ipaddress = local.f
  track_interface "e/f" {}
}
vrrp_instance "e" {
  interface = "eth0"
  virtual_router_id = 5
  virtual_ipaddress = []
}
vrrp_instance "f" {
  interface            = "eth0"
  virtual_router_id    = 6
  strict_mode          = true
  state                = "MASTER"
  preempt_delay        = 5
  lower_prio_no_advert = false
  virtual_ipaddress    = ["10.0.0.6"]
}
vrrp_instance "g" {
  interface         = "eth0"
  virtual_router_id = 7
  nopreempt         = true
  preempt_delay     = 5
  virtual_ipaddress = ["10.0.0.7"]
}
garp_group {}
garp_group {
  interface  = "eth1"
  interfaces = ["eth1"]
}
interface_up_down_delays = ["eth0 1 2 3", "eth1 1h", { interface = "eth2", down = 1 }, "eth3 1", "eth3 2"]
vrrp_sync_group "g" {
  group = ["a", ["b"], null]
}
vrrp_sync_group "h" {
  group = []
}
virtual_server "10.0.0.1" "80" {
  delay_loop = "1 h"
  connect_timeout = "25h"
  persistence_timeout = "1500ms"
  inhibit_on_failure = "on"
  real_server "10.0.0.2" "80" {
    HTTP_GET {
      url "index.html" { status_code = [] }
      url "/" { status_code = "" }
      url "/x" { status_code = { a = 1 } }
      url "/y" { status_code = ["200 404", 600, [1]] }
    }
    SSL_GET {}
  }
}
