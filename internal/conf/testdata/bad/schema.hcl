# schema: words that do not stand where they are written
routr_id = "x"
global_defs "x" {}
vrrp_instance {}
vrrp_instanse "b" {}
virtual_server "10.0.0.1" {}
virtual_server "10.0.0.1" "80" "tcp" {}
virtual_server "10.0.0.1" "80" {
  lb_alog = "rr"
  weight {}
  real_server = "10.0.0.2"
  real_server "10.0.0.2" "80" {
    TCP_CHECKK {}
    HTTP_GET {
      url { path = "/" }
      url "/" { path = "/" }
    }
  }
  dynamic "real_server" {
    for_each = ["3", "4"]
    labels   = ["10.0.0.${real_server.value}"]
    content {}
  }
  dynamic "real_server" {
    for_each = ["3", "4"]
    labels   = ["10.0.0.${real_server.value}", "80"]
    content { wieght = 1 }
  }
  dynamic "real_server" {
    for_each = 5
    labels   = ["10.0.0.9", "80"]
    content {}
  }
}
