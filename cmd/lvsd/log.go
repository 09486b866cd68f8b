package main

import (
	"fmt"
	"os"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/sys/unix"
)

// newLog returns a logger to out. Format auto is console where standard error is a terminal and
// JSON elsewhere. Lines are never sampled: they are what alerts are made of.
func newLog(format, level string, out zapcore.WriteSyncer) (*zap.Logger, error) {
	threshold, err := zapcore.ParseLevel(level)
	if err != nil || threshold > zapcore.ErrorLevel {
		return nil, fmt.Errorf("--log-level %q: use debug, info, warn or error", level)
	}
	fields := zap.NewProductionEncoderConfig()
	fields.TimeKey, fields.MessageKey = "time", "message"
	fields.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	fields.EncodeDuration = zapcore.StringDurationEncoder
	var encoder zapcore.Encoder
	switch {
	case format == "json", format == "auto" && !terminal(os.Stderr):
		encoder = zapcore.NewJSONEncoder(fields)
	case format == "console", format == "auto":
		fields.EncodeLevel = zapcore.CapitalLevelEncoder
		encoder = zapcore.NewConsoleEncoder(fields)
	default:
		return nil, fmt.Errorf("--log-format %q: use auto, json or console", format)
	}
	return zap.New(zapcore.NewCore(encoder, out, threshold)), nil
}

func terminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}
