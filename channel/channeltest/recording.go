package channeltest

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/openclaw-pos/commerce/channel"
)

// recording is one testdata/*.txtar: what was said to the partner and what it answered, with what should come of it.
//
// The comment holds "key: value" lines:
//
//	source:   where the shape stands: a document, a URL, a section of the reference (required)
//	order:    external id of the order it is about
//	do:       the capability it plays (see calls); "order" when there are exchanges and nothing else is said
//	error:    the fault kind it ends in, and the partner's code when one is expected: "refused ERR_1"
//	after:    for error: throttled, the wait
//	token:    "fine" when error: unauthorized is not about the access token (signature, app key, another shop), which no refresh would cure
//	shape:    Raw.Shape of the raw/ documents, when they are not read by the exchanges
//	now:      RFC 3339, the account's clock
//	money:    "differs" when the partner's numbers are known not to add up
//	differs:  fields of the order that a webhook body of this partner cannot tell like a read: "Payments, Statuses"
//	set-NAME: the value of a setting for this file
//
// Other lines are prose. Files: NN-request and NN-response, args.json (the argument of do), result.json and golden.json (written by -update),
// raw/NAME (documents for Decode), webhook/headers and webhook/body.
type recording struct {
	Name      string
	Path      string
	Keys      map[string]string
	Exchanges []exchange
	Files     map[string][]byte
	Raw       []channel.Doc
}

// exchange is one request and its answer.
type exchange struct {
	Method string
	Target string // path and the part of the query that must be there
	Header http.Header
	Body   []byte // JSON that must be part of what is sent; nil = anything
	Status int
	Answer http.Header
	Reply  []byte
}

func (r *recording) do() string {
	switch {
	case r.Keys["do"] != "":
		return r.Keys["do"]
	case len(r.Exchanges) > 0:
		return "order"
	}
	return ""
}

// wants is the fault kind and the code of "error:", both "" when it should succeed.
func (r *recording) wants() (kind, code string) {
	kind, code, _ = strings.Cut(r.Keys["error"], " ")
	return kind, strings.TrimSpace(code)
}

func (r *recording) now(otherwise time.Time) time.Time {
	if at, err := time.Parse(time.RFC3339, r.Keys["now"]); err == nil {
		return at
	}
	return otherwise
}

func load(dir string) ([]*recording, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil {
		return nil, err
	}
	slices.Sort(paths)
	var all []*recording
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		r, err := parse(strings.TrimSuffix(filepath.Base(path), ".txtar"), data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		r.Path = path
		all = append(all, r)
	}
	return all, nil
}

func parse(name string, data []byte) (*recording, error) {
	arc := txtar.Parse(data)
	r := &recording{Name: name, Keys: map[string]string{}, Files: map[string][]byte{}}
	for line := range strings.Lines(string(arc.Comment)) {
		if key, value, ok := strings.Cut(line, ":"); ok && key == strings.ToLower(key) && !strings.Contains(key, " ") {
			r.Keys[key] = strings.TrimSpace(value)
		}
	}
	pairs := map[string]*exchange{}
	var order []string
	for _, f := range arc.Files {
		if _, twice := r.Files[f.Name]; twice {
			return nil, fmt.Errorf("%s is there twice", f.Name)
		}
		r.Files[f.Name] = f.Data
		if doc, ok := strings.CutPrefix(f.Name, "raw/"); ok {
			r.Raw = append(r.Raw, channel.Doc{Name: doc, Body: bytes.TrimSuffix(f.Data, []byte("\n"))})
		}
		number, side, ok := strings.Cut(f.Name, "-")
		if !ok || side != "request" && side != "response" {
			continue
		}
		if pairs[number] == nil {
			pairs[number] = &exchange{}
			order = append(order, number)
		}
		if err := pairs[number].read(side, f.Data); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	slices.Sort(order)
	for _, number := range order {
		if x := pairs[number]; x.Method == "" || x.Status == 0 {
			return nil, fmt.Errorf("%s: request and response belong together", number)
		}
		r.Exchanges = append(r.Exchanges, *pairs[number])
	}
	return r, nil
}

// read takes a first line, headers, an empty line and a body.
func (x *exchange) read(side string, data []byte) error {
	head, body, _ := bytes.Cut(data, []byte("\n\n"))
	body = bytes.TrimSuffix(body, []byte("\n"))
	first, rest, _ := strings.Cut(strings.TrimSpace(string(head)), "\n")
	header, err := readHeader(rest)
	if err != nil {
		return err
	}
	first = strings.TrimPrefix(strings.TrimPrefix(first, "HTTP/1.1 "), "HTTP/2 ")
	word, tail, _ := strings.Cut(first, " ")
	if side == "request" {
		tail = strings.TrimSuffix(tail, " HTTP/1.1")
		if !strings.HasPrefix(tail, "/") {
			return fmt.Errorf("%q is not METHOD /path?query", first)
		}
		x.Method, x.Target, x.Header = word, tail, header
		if len(body) > 0 {
			x.Body = body
		}
		return nil
	}
	if _, err := fmt.Sscanf(word, "%d", &x.Status); err != nil || http.StatusText(x.Status) == "" && x.Status/100 != 4 {
		return fmt.Errorf("%q is not a status line", first)
	}
	x.Answer, x.Reply = header, body
	return nil
}

func readHeader(text string) (http.Header, error) {
	h, err := textproto.NewReader(bufio.NewReader(strings.NewReader(strings.TrimSpace(text) + "\r\n\r\n"))).ReadMIMEHeader()
	return http.Header(h), err
}

// delivery is the recorded webhook, unsigned when the suite signs.
func (r *recording) delivery(at time.Time) (channel.Delivery, bool) {
	body, ok := r.Files["webhook/body"]
	if !ok {
		return channel.Delivery{}, false
	}
	h, err := readHeader(string(r.Files["webhook/headers"]))
	if err != nil || h == nil {
		h = http.Header{}
	}
	return channel.Delivery{Header: h, Body: bytes.TrimSuffix(body, []byte("\n")), At: at}, true
}

// rewrite writes one file of the archive anew, for -update.
func (r *recording) rewrite(file string, content []byte) error {
	data, err := os.ReadFile(r.Path)
	if err != nil {
		return err
	}
	arc := txtar.Parse(data)
	i := slices.IndexFunc(arc.Files, func(f txtar.File) bool { return f.Name == file })
	if i < 0 {
		arc.Files = append(arc.Files, txtar.File{Name: file})
		i = len(arc.Files) - 1
	}
	arc.Files[i].Data = content
	return os.WriteFile(r.Path, txtar.Format(arc), 0o644)
}
