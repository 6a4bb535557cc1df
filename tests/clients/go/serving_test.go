package clients

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"testing"
)

// Where a poolgate is served.
type served struct{ address, admin string }

// A poolgate whose limits are soon used up, until the test ends.
func serve(t *testing.T) served {
	t.Helper()
	binary := os.Getenv("POOLGATE_BIN")
	if binary == "" {
		binary = "../../../target/debug/poolgate"
	}
	command := exec.Command(binary)
	command.Env = []string{
		"POOLGATE_SERVER__LISTEN=127.0.0.1:0",
		"POOLGATE_ADMIN__LISTEN=127.0.0.1:0",
		"POOLGATE_QUOTA__LIMITS_FILE=../limits.toml",
		"POOLGATE_LOG__FORMAT=json",
	}
	log, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		var line struct{ Address, Admin string }
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatalf("%s: %v", lines.Bytes(), err)
		}
		if line.Address != "" {
			// Read on, or a full pipe would stop the process.
			go func() { _, _ = io.Copy(io.Discard, log) }()
			return served{line.Address, line.Admin}
		}
	}
	t.Fatal("poolgate ended at its start")
	return served{}
}

func textOf(t *testing.T, body io.ReadCloser) string {
	t.Helper()
	defer func() { _ = body.Close() }()
	text, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
