package lab

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Slow is a request for a slow page: its connection stands, half of the request is sent and half of the answer has come.
type Slow struct {
	By string // the host that answers

	request  *io.PipeWriter
	response *http.Response
	rest     *bufio.Reader
}

// AskSlow begins a request for a slow page and returns when the first line of the answer is there. End must follow.
func AskSlow(client *http.Client, url string) (*Slow, error) {
	body, request := io.Pipe()
	resp, err := client.Post(url, "text/plain", body)
	if err != nil {
		return nil, err
	}
	s := &Slow{request: request, response: resp, rest: bufio.NewReader(resp.Body)}
	name, err := s.rest.ReadString('\n')
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("answered %s", resp.Status)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read the beginning of the answer: %w", err), resp.Body.Close(), request.Close())
	}
	s.By = strings.TrimSpace(name)
	return s, nil
}

// End sends the rest of the request and waits for the rest of the answer, so packets pass both ways. An answer that was cut
// short is an error.
func (s *Slow) End() error {
	defer s.response.Body.Close()
	if err := s.request.Close(); err != nil {
		return fmt.Errorf("send the end of the request to %s: %w", s.By, err)
	}
	b, err := io.ReadAll(s.rest)
	if err != nil {
		return fmt.Errorf("read the end of the answer of %s: %w", s.By, err)
	}
	if end := strings.TrimSpace(string(b)); end != slowEnd {
		return fmt.Errorf("the answer of %s ends with %q", s.By, end)
	}
	return nil
}
