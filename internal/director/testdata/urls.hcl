# Both services ask server one the same thing with the same timing: that is one check.
virtual_server "192.0.2.1" "80" {
  real_server "10.0.0.1" "80" {
    HTTP_GET {
      url "/healthz" {}
      url "/ready?deep=1" { status_code = ["200", "204", "301-302"] }
    }
    SSL_GET {
      url "/" {}
    }
  }
  real_server "10.0.0.2" "80" {
    HTTP_GET {
      url "/healthz" {}
    }
  }
}
virtual_server "192.0.2.2" "80" {
  lb_kind = "DR"
  real_server "10.0.0.1" "80" {
    HTTP_GET {
      url "/healthz" {}
    }
  }
  real_server "10.0.0.2" "80" {
    inhibit_on_failure = true
    HTTP_GET {
      url "/healthz" {}
      delay_loop = "1s"
    }
  }
}
