package iop_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/channel/iop"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

func FuzzEnvelope(f *testing.F) {
	for _, s := range []string{
		`{"code":"0","data":{"a":1},"request_id":"r"}`, `{"code":"0","result":{"success":true,"data":[]}}`, `{"code":0}`, `<html>`, ``, `[]`, `null`,
		`{"code":"IllegalAccessToken","type":"ISV","message":"m"}`, `{"code":"0","result":"null"}`, `{"code":"0","result":{"success":false,"errorCode":6}}`,
		`{"code":"501","type":"ISP","message":"E501: Update product failed","detail":[{"field":"Product","message":"Category is inactive"}]}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		a, failure, err := iop.Open(body)
		if failure != nil && err != nil {
			t.Fatal("both a refusal and an error")
		}
		if failure != nil && iop.Classify(*failure, nil, true) == nil {
			t.Fatal("a refusal without an error")
		}
		if err != nil && !fault.Is(err, fault.Unavailable) {
			t.Fatalf("kind %v", fault.KindOf(err))
		}
		var v map[string]any
		_ = a.Decode(&v)
		iop.Throttled(200, nil, body)
	})
}

func FuzzScalar(f *testing.F) {
	for _, s := range []string{`"1,234.50"`, `12`, `null`, `"null"`, `true`, `"True"`, `{"a":[1]}`, `"[\"a\"]"`, `1e400`, `"\ud800"`, `-0`, `"3962.41 EUR"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if !json.Valid(data) {
			return
		}
		var s iop.Scalar
		if err := json.Unmarshal(data, &s); err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		_ = s.Bool()
		_, _ = s.Int()
		if a, err := s.Money("PKR"); err == nil && s != "" && a.Currency != "PKR" {
			t.Fatalf("%q gave %v", data, a)
		}
		if id, err := iop.ID("id", s.String()); err == nil && !json.Valid([]byte("["+string(id)+"]")) {
			t.Fatalf("%q is no JSON number", id)
		}
		var l iop.List[iop.Scalar]
		_ = json.Unmarshal(data, &l)
	})
}

func FuzzTime(f *testing.F) {
	for _, s := range []string{
		"2018-02-09T22:44:30+08:00", "2024-02-29 14:59:56 +0700", "1413786247000", "1603698638", "2024-02-29 14:59:56", "2024-02-29", "s", "", "99999999999999999999",
		"0000-01-01T00:00:00Z", "2024-02-30 00:00:00",
	} {
		f.Add(s)
	}
	zone := time.FixedZone("Asia/Kathmandu", 5*3600+45*60)
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := iop.Time(text, zone)
		if ok && (got.Year() < 2000 || got.Year() > 2100 || got.Location() != time.UTC) {
			t.Fatalf("%q reads as %v", text, got)
		}
		if !ok && !got.IsZero() {
			t.Fatalf("%q is refused and yet %v", text, got)
		}
	})
}
