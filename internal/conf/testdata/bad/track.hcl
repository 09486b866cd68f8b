vrrp_instance "a" {
  interface = "eth0"
  virtual_router_id = 1
  virtual_ipaddress = ["10.0.0.1"]
  track_interface "eth1" { weight = 254 }
  track_interface "eth2" { weight = "ten" }
  track_interface "eth3" { wieght = 10 }
  track_interface "eth4" { reverse = "yes" }
  track_interface "eth5" {}
  track_interface "eth5" { weight = 3 }
  track_interface {}
}
vrrp_sync_group "g" {
  group = ["a"]
  track_interface "eth/1" { weight = 3 }
}
vrrp_script "s1" {
  script = []
  interval = "0s"
  user = "nobody nogroup more"
}
vrrp_script "s2" {
  script = "/bin/true 'a"
  weight = "5 revers"
}
vrrp_script "s3" {
  script = ["/bin/true", "a\u0000b"]
  timeout = "25h"
  init_fail = "maybe"
}
vrrp_instance "b" {
  interface = "eth0"
  virtual_router_id = 2
  virtual_ipaddress = ["10.0.0.2"]
  track_script "s4" {}
}
