package examples_test

import (
	"debug/elf"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// instructions are the Dockerfile's lines, with those that go on put together.
func instructions(t *testing.T) []string {
	t.Helper()
	var list []string
	for line := range strings.Lines(strings.ReplaceAll(read(t, "../Dockerfile"), "\\\n", " ")) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			list = append(list, line)
		}
	}
	return list
}

// The command that builds the image's binary makes one that runs without anything beside it.
func TestDockerfileBuildsAStaticBinary(t *testing.T) {
	at := slices.IndexFunc(instructions(t), func(l string) bool { return strings.Contains(l, "go build") })
	if at < 0 {
		t.Fatal("the Dockerfile builds nothing")
	}
	command, ok := strings.CutPrefix(instructions(t)[at], "RUN ")
	binary := filepath.Join(t.TempDir(), "lvsd")
	here := strings.Replace(command, " -o /lvsd ", " -o '"+binary+"' ", 1)
	if !ok || here == command {
		t.Fatalf("%s does not make /lvsd", command)
	}
	build := exec.Command("sh", "-e", "-c", here)
	build.Dir = ".."
	build.Env = append(build.Environ(), "VERSION=1.2.3", "GOFLAGS=-buildvcs=false")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", here, err, out)
	}
	program, err := elf.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	for _, p := range program.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("the binary needs a dynamic linker: %v", p.Type)
		}
	}
	version, err := exec.Command(binary, "version").CombinedOutput()
	if err != nil || !strings.HasPrefix(string(version), "lvsd 1.2.3 ") {
		t.Errorf("version: %v: %s", err, version)
	}
}

func TestDockerfileCopiesAllThatIsBuilt(t *testing.T) {
	all := strings.Join(instructions(t), "\n")
	goVersion := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read(t, "../go.mod"))[1]
	for _, want := range []string{
		"FROM golang:" + goVersion + "-", "COPY go.mod go.sum ./\n", "COPY cmd cmd\n", "COPY internal internal\n",
		"\nFROM scratch\nCOPY --from=build /lvsd /lvsd\nENTRYPOINT [\"/lvsd\"]\n",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("the Dockerfile lacks %q", want)
		}
	}
}

// Every way to deploy lvsd gives it the same capabilities.
func TestCapabilitiesAgree(t *testing.T) {
	want := []string{"NET_ADMIN", "NET_RAW", "SYS_NICE"}
	unit := read(t, "../packaging/lvsd.service")
	running := read(t, "../docs/running.md")
	of := func(pattern, text string) []string {
		var list []string
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
			list = append(list, strings.Fields(strings.ReplaceAll(m[1], "CAP_", ""))...)
		}
		return list
	}
	// An image with nothing but lvsd has no programs to run as other users.
	programs := append(slices.Clone(want), "SETUID", "SETGID", "KILL")
	if got := of(`(?m)^CapabilityBoundingSet=(.*)$`, unit); !slices.Equal(got, programs) {
		t.Errorf("CapabilityBoundingSet has %v", got)
	}
	for where, got := range map[string][]string{
		"AmbientCapabilities": of(`(?m)^AmbientCapabilities=(.*)$`, unit),
		"docker run":          of(`--cap-add (\w+)`, running),
		"Dockerfile":          of(`(?m)^#   ([A-Z_]+)  `, read(t, "../Dockerfile")),
	} {
		if !slices.Equal(got, want) {
			t.Errorf("%s has %v", where, got)
		}
	}
	for _, forbidden := range []string{"ProtectKernelTunables=", "RestrictRealtime=", "PrivateNetwork="} {
		if regexp.MustCompile(`(?m)^` + forbidden).MatchString(unit) {
			t.Errorf("with %s in its unit lvsd cannot do its work", forbidden)
		}
	}
}
