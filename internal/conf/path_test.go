package conf

import "testing"

func TestPathOfAURL(t *testing.T) {
	for path, want := range map[string]string{
		`/\r\nHost: x`: `A path holds no control character, unlike "/\r\nHost: x"`,
		`/a\u0085b`:    `A path holds no control character, unlike "/a\u0085b"`,
		`/a b`:         `A path begins with "/" and holds no blank, unlike "/a b"`,
		`/a\u2003b`:    `A path begins with "/" and holds no blank, unlike "/a\u2003b"`,
		`http://x/`:    `A path begins with "/" and holds no blank, unlike "http://x/"`,
	} {
		got := lines(read(t, HCL, "virtual_server \"10.0.0.1\" \"80\" {\n  real_server \"10.0.0.2\" \"80\" {\n    HTTP_GET {\n      url \""+path+"\" {}\n    }\n  }\n}\n").Diags)
		if len(got) != 1 || got[0] != "error lb.hcl:4:11: "+want {
			t.Errorf("%s: %q", path, got)
		}
	}
}
