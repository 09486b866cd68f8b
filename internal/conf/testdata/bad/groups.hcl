# groups: what virtual_server_group may hold
virtual_server_group "a" {
  address = ["10.0.0.1 80", "10.0.0.9-3", 7, ["10.0.0.1", 80], { address = "10.0.0.1", prt = 80 }]
  fwmark  = [0, "1 inet4", { fwmark = 3 }, true]
}
virtual_server_group "b" {
  address = "10.0.0.1 80"
  port    = 80
}
virtual_server_group "c" {
}
virtual_server "group" "c" {
  real_server "10.0.0.1" "80" {}
}
virtual_server "group" "d" {
}
