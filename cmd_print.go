package main

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/openclaw-pos/commerce/kernel/fault"
)

// show prints an answer: as JSON when asked for, else as the table that rows makes.
func (c *client) show(r reply, text func(w io.Writer) error) error {
	if c.json {
		var b bytes.Buffer
		if err := json.Indent(&b, bytes.TrimSpace(r.raw), "", "  "); err != nil {
			return err
		}
		b.WriteByte('\n')
		_, err := c.s.out.Write(b.Bytes())
		return err
	}
	return text(c.s.out)
}

// said prints one line, or the answer itself when JSON is asked for.
func (c *client) said(r reply, format string, args ...any) error {
	return c.show(r, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, format+"\n", args...)
		return err
	})
}

// table prints columns; what is too long is cut by nobody.
func table(w io.Writer, head string, rows [][]string) error {
	if len(rows) == 0 {
		_, err := fmt.Fprintln(w, "nothing")
		return err
	}
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, strings.ReplaceAll(head, " ", "\t"))
	for _, r := range rows {
		for i := range r {
			r[i] = clean(r[i])
		}
		fmt.Fprintln(t, strings.Join(r, "\t"))
	}
	return t.Flush()
}

// clean keeps text from outside on one line and from moving the cursor.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return ' '
		}
		return r
	}, text)
}

// more says how a list goes on.
func (c *client) more(w io.Writer, next string) error {
	if next == "" {
		return nil
	}
	_, err := fmt.Fprintf(w, "more: --after %s\n", next)
	return err
}

func when(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04 MST")
}

// whenExactly is when to the second.
func whenExactly(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04:05 MST")
}

func itoa[T ~int | ~int64](n T) string { return strconv.FormatInt(int64(n), 10) }

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// wait shows that something long is under way, where a person watches; stop ends it.
func (c *client) wait(what string) (stop func()) {
	if !term.IsTerminal(int(c.s.err.Fd())) {
		return func() {}
	}
	bar := progressbar.NewOptions(-1, progressbar.OptionSetWriter(c.s.err), progressbar.OptionSetDescription(what), progressbar.OptionClearOnFinish(), progressbar.OptionSpinnerType(14))
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(120 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				_ = bar.Finish()
				return
			case <-tick.C:
				_ = bar.Add(1)
			}
		}
	}()
	return func() { close(done); <-ended }
}

// counting shows how much of a file has been sent.
func (c *client) counting(what string, size int64, r io.Reader) io.Reader {
	if !term.IsTerminal(int(c.s.err.Fd())) {
		return r
	}
	bar := progressbar.NewOptions64(size, progressbar.OptionSetWriter(c.s.err), progressbar.OptionSetDescription(what), progressbar.OptionShowBytes(true), progressbar.OptionClearOnFinish())
	return io.TeeReader(r, bar)
}

// person reports whether somebody sits at the keyboard, to be asked.
func (s streams) person() bool {
	return term.IsTerminal(int(s.in.Fd()))
}

// ask asks for a line.
func (s streams) ask(question, otherwise string) (string, error) {
	if otherwise != "" {
		question += " [" + otherwise + "]"
	}
	fmt.Fprintf(s.err, "%s: ", question)
	var b []byte
	one := make([]byte, 1)
	for {
		n, err := s.in.Read(one)
		if n == 1 && one[0] == '\n' {
			break
		}
		if err != nil {
			return "", fault.New(fault.Invalid, "no answer")
		}
		b = append(b, one[:n]...)
		if len(b) > 4096 {
			return "", fault.New(fault.Invalid, "the answer is too long")
		}
	}
	text := strings.TrimSpace(string(b))
	if text == "" {
		text = otherwise
	}
	return text, nil
}

// secretly asks for a secret that is not shown.
func (s streams) secretly(question string) (string, error) {
	fmt.Fprintf(s.err, "%s (not shown): ", question)
	b, err := term.ReadPassword(int(s.in.Fd()))
	fmt.Fprintln(s.err)
	return strings.TrimSpace(string(b)), err
}

// sure asks before something that cannot be taken back; without a person --yes must say it.
func (s streams) sure(given bool, question string) error {
	if given {
		return nil
	}
	if !s.person() {
		return fault.New(fault.Invalid, "say --yes to do it without being asked")
	}
	answer, err := s.ask(question+" (yes/no)", "no")
	if err == nil && answer != "yes" && answer != "y" {
		return fault.New(fault.Refused, "not done")
	}
	return err
}

// secret makes a random text.
func secret() string {
	b := make([]byte, 32)
	if _, err := rand.Read(b); err != nil {
		panic(err) // crypto/rand never fails
	}
	return base64.RawURLEncoding.EncodeToString(b)
}
