package shop

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/openclaw-pos/commerce/commerce/cart"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/web/api"
)

const (
	maxBody  = 64 << 10
	maxDepth = 8
	maxHook  = 1 << 20 // a provider's webhook
)

// clean refuses addresses with control characters and what is no UTF-8: no id or word of ours has them.
func (c *call) clean() error {
	for _, text := range []string{c.URL.Path, c.URL.RawQuery} {
		if strings.ContainsFunc(text, unicode.IsControl) || !utf8.ValidString(text) {
			return fault.New(fault.Invalid, "the address has control characters").WithCode("bad_address")
		}
	}
	for name, all := range c.URL.Query() {
		for _, text := range all {
			if len(text) > 200 || strings.ContainsFunc(text, unicode.IsControl) || !utf8.ValidString(text) {
				return fault.Field(short(name), "is too long or has control characters")
			}
		}
	}
	return nil
}

// short is a name of the caller's as it may stand in an answer.
func short(name string) string {
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, name)
	if len(name) > 60 {
		name = strings.ToValidUTF8(name[:60], "") + "…"
	}
	return name
}

// read is the body, at most so many bytes.
func (c *call) read(most int64) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(c.w, c.Body, most))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, &api.Problem{
			Type: "urn:openclaw-commerce:too_large", Title: "The body is too large", Status: http.StatusRequestEntityTooLarge,
			Detail: "a body may have at most " + strconv.FormatInt(most>>10, 10) + " KiB", Code: "too_large",
		}
	case err != nil:
		return nil, &api.Problem{Type: "urn:openclaw-commerce:invalid", Title: "The input is not right", Status: http.StatusBadRequest, Detail: "the body could not be read", Code: "bad_body"}
	}
	return body, nil
}

func badJSON(detail string) error {
	return &api.Problem{Type: "urn:openclaw-commerce:invalid", Title: "The input is not right", Status: http.StatusBadRequest, Detail: detail, Code: "bad_json"}
}

// input reads a JSON object strictly: no unknown fields, no field twice, nothing behind it, no NUL, not deep. Fault: Invalid naming the field.
func input[T any](c *call) (T, error) {
	var v T
	if kind, _, _ := strings.Cut(c.Header.Get("Content-Type"), ";"); kind != "" && !strings.EqualFold(strings.TrimSpace(kind), "application/json") {
		return v, &api.Problem{
			Type: "urn:openclaw-commerce:invalid", Title: "The input is not right", Status: http.StatusUnsupportedMediaType, Detail: "send application/json", Code: "media_type",
		}
	}
	body, err := c.read(maxBody)
	if err != nil {
		return v, err
	}
	return decode[T](body)
}

func decode[T any](body []byte) (T, error) {
	var v T
	if !utf8.Valid(body) {
		return v, badJSON("the body is not written in UTF-8")
	}
	if err := shape(body); err != nil {
		return v, err
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		return v, wrongField(err)
	}
	return v, nil
}

// wrongField names the field a decoder stumbled over; what the decoder quotes may be a person's name and is not passed on.
func wrongField(err error) error {
	var typ *json.UnmarshalTypeError
	if errors.As(err, &typ) {
		return fault.Field(short(typ.Field), "is a %s where %s belongs, or too large", short(typ.Value), typ.Type.String())
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		if plain, err := strconv.Unquote(name); err == nil {
			name = plain
		}
		return fault.Field(short(name), "is not known here").WithCode("unknown_field")
	}
	if fault.Is(err, fault.Invalid) {
		return err
	}
	return fault.New(fault.Invalid, "the body cannot be understood").WithCode("bad_body")
}

// shape walks the JSON text before anything is decoded: one object, not deep, no name twice in an object, no NUL.
func shape(body []byte) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var n nest
	for first := true; ; first = false {
		tok, err := d.Token()
		switch {
		case errors.Is(err, io.EOF) && !first && len(n) == 0:
			return nil
		case err != nil:
			return badJSON("the body is no JSON, from about byte " + strconv.FormatInt(d.InputOffset(), 10) + " on")
		case first && tok != json.Delim('{'):
			return badJSON("the body must be a JSON object")
		case !first && len(n) == 0:
			return badJSON("there is something behind the JSON object")
		}
		if err := n.take(tok); err != nil {
			return err
		}
	}
}

// nest is where in a JSON text a walk stands: the objects and arrays around it.
type nest []level

// level is one object or array. In an object names and values take turns.
type level struct {
	object, name bool
	seen         map[string]bool
}

// take steps over one token.
func (n *nest) take(tok json.Token) error {
	name := n.turn()
	switch t := tok.(type) {
	case json.Delim:
		if t == '}' || t == ']' {
			*n = (*n)[:len(*n)-1]
			return nil
		}
		if len(*n) == maxDepth {
			return fault.New(fault.Invalid, "the body is nested deeper than %d", maxDepth).WithCode("too_deep")
		}
		*n = append(*n, level{object: t == '{', seen: map[string]bool{}})
	case string:
		if strings.ContainsRune(t, 0) {
			return fault.New(fault.Invalid, "the body has a NUL character").WithCode("nul")
		}
		if !name {
			return nil
		}
		top := &(*n)[len(*n)-1]
		if top.seen[t] {
			return fault.Field(short(t), "stands twice").WithCode("twice")
		}
		top.seen[t] = true
	}
	return nil
}

// turn says whether the next token stands where an object's name does.
func (n nest) turn() bool {
	if len(n) == 0 || !n[len(n)-1].object {
		return false
	}
	top := &n[len(n)-1]
	top.name = !top.name
	return top.name
}

// edit is the cart and the version the caller saw. An If-Match is required: 428 without.
func (c *call) edit() (cart.Edit, error) {
	token, err := c.token()
	if err != nil {
		return cart.Edit{}, err
	}
	version, given, err := c.version()
	if err != nil {
		return cart.Edit{}, err
	}
	if !given {
		return cart.Edit{}, &api.Problem{
			Type: "urn:openclaw-commerce:precondition_required", Title: "The version is missing", Status: http.StatusPreconditionRequired,
			Detail: "send the version you saw as If-Match", Field: "If-Match", Code: "if_match",
		}
	}
	return cart.Edit{Store: c.store, Token: token, Version: version}, nil
}

// version reads If-Match: a version, quoted as an entity tag or not; * is any.
func (c *call) version() (version int64, given bool, err error) {
	text := strings.TrimSpace(c.Header.Get("If-Match"))
	switch text {
	case "":
		return 0, false, nil
	case "*":
		return 0, true, nil
	}
	n, err := strconv.ParseInt(strings.Trim(strings.TrimPrefix(text, "W/"), `"`), 10, 64)
	if err != nil || n < 1 {
		return 0, false, fault.Field("If-Match", "is not a version")
	}
	return n, true, nil
}
