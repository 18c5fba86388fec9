package daraz

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/iop"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

// Codes of one family of calls each; what is not here is the gateway's own (package iop).
var (
	// channel-daraz.md §1.4.
	orderCodes = map[string]iop.Code{
		"14": {Kind: fault.Invalid, Say: "the offset is beyond what Daraz pages"},
		"16": {Kind: fault.NotFound, Say: "Daraz does not know this order in this shop"},
		"17": {Kind: fault.Invalid, Say: "Daraz refuses the date"},
		"18": {Kind: fault.Invalid, Say: "Daraz wants a date to read orders from"},
		"19": {Kind: fault.Invalid, Say: "Daraz refuses the page size"},
		"20": {Kind: fault.NotFound, Say: "Daraz does not know this unit in this shop"},
		"34": {Kind: fault.Conflict, Say: "the units must be packed first"},
		"35": {Kind: fault.Invalid, Say: "Daraz does not know this kind of document"},
		"36": {Kind: fault.Invalid, Say: "Daraz refuses the status filter"},
		"37": {Kind: fault.NotFound, Say: "Daraz does not know one of these orders in this shop"},
		"38": {Kind: fault.Invalid, Say: "too many orders in one read of items"},
		"39": {Kind: fault.NotFound, Say: "Daraz does not know these orders in this shop"},
		"56": {Kind: fault.Invalid, Say: "Daraz refuses the list of orders"},
		"74": {Kind: fault.Invalid, Say: "Daraz refuses the sorting"},
		"75": {Kind: fault.Invalid, Say: "Daraz refuses the sorting"},
	}
	// channel-daraz.md §1.7.
	fulfilCodes = map[string]iop.Code{
		"40011":  {Kind: fault.Unavailable, Say: "Daraz is busy", After: time.Second, Open: true},
		"700024": {Kind: fault.Unavailable, Say: "Daraz is working on this order", After: time.Second},
		"1003":   {Kind: fault.Unavailable, Say: "no carrier could be allocated", After: time.Minute},
		"700000": {Kind: fault.Conflict, Say: "the package is in another state"},
		"700026": {Kind: fault.Conflict, Say: "the unit is in a state that cannot be packed"},
		"700031": {Kind: fault.Conflict, Say: "the unit is not ready to be fulfilled"},
		"700004": {Kind: fault.Invalid, Say: "Daraz cannot read our request"},
		"700009": {Kind: fault.Refused, Say: "only shops that deliver themselves may tell a delivery"},
		"700013": {Kind: fault.Refused, Say: "Daraz does not do this for such a package"},
		"700017": {Kind: fault.Invalid, Say: "Daraz cannot read our request"},
		"700020": {Kind: fault.NotFound, Say: "Daraz does not know this unit, or it is not digital"},
		"700021": {Kind: fault.NotFound, Say: "Daraz does not know this order in this shop"},
		"700022": {Kind: fault.Invalid, Say: "too many at once"},
		"700025": {Kind: fault.NotFound, Say: "Daraz does not know this unit in this shop"},
		"700027": {Kind: fault.Refused, Say: "Daraz fulfils this unit itself"},
		"700029": {Kind: fault.Refused, Say: "units of several warehouses do not go into one package"},
		"600001": {Kind: fault.NotFound, Say: "Daraz does not know this package"},
		"600002": {Kind: fault.Conflict, Say: "the package has been cancelled"},
		"700040": {Kind: fault.Conflict, Say: "the package has no label in its state"},
		"30012":  {Kind: fault.Conflict, Say: "the package has no label"},
		"50008":  {Kind: fault.Conflict, Say: "the package has no label: the seller delivers it"},
		"34":     {Kind: fault.Conflict, Say: "the units must be packed first"},
		"20":     {Kind: fault.NotFound, Say: "Daraz does not know this unit in this shop"},
	}
	// channel-daraz.md §1.8, §1.9; Lazada's pages of the reverse calls.
	reverseCodes = map[string]iop.Code{
		"16":  {Kind: fault.NotFound, Say: "Daraz does not know this order in this shop"},
		"20":  {Kind: fault.NotFound, Say: "Daraz does not know this unit in this shop"},
		"22":  {Kind: fault.Refused, Say: "Daraz refuses the reason"},
		"73":  {Kind: fault.Conflict, Say: "the unit is in a state that cannot be cancelled"},
		"106": {Kind: fault.Unavailable, Say: "Daraz had an internal error", After: time.Second, Open: true},
		"105": {Kind: fault.NotFound, Say: "Daraz does not know this return or cancellation"},
		"112": {Kind: fault.NotFound, Say: "Daraz does not know this return or cancellation"},
		"125": {Kind: fault.NotFound, Say: "Daraz does not know this return or cancellation"},
		"126": {Kind: fault.NotFound, Say: "Daraz does not know a line of this return"},
		"102": {Kind: fault.Invalid, Say: "Daraz wants the units named"},
		"104": {Kind: fault.Invalid, Say: "Daraz wants a reason"},
		"107": {Kind: fault.Invalid, Say: "Daraz does not know this decision"},
		"108": {Kind: fault.Conflict, Say: "Daraz refuses this decision now, or wants a reason for it"},
		"109": {Kind: fault.Invalid, Say: "Daraz wants a reason or a comment for this decision"},
		"110": {Kind: fault.Invalid, Say: "Daraz wants a comment or a picture for this decision: decide it in Seller Center"},
		"111": {Kind: fault.Invalid, Say: "Daraz takes one line at a time"},
		"114": {Kind: fault.Conflict, Say: "Daraz refuses this decision now, or wants a picture for it"},
		"131": {Kind: fault.Conflict, Say: "no decision is waiting"},
		"133": {Kind: fault.Invalid, Say: "Daraz takes one line at a time"},
	}
	// channel-daraz.md §1.10.
	productCodes = map[string]iop.Code{
		"14":   {Kind: fault.Invalid, Say: "the offset is beyond what Daraz pages"},
		"17":   {Kind: fault.Invalid, Say: "Daraz refuses the date"},
		"19":   {Kind: fault.Invalid, Say: "Daraz refuses the page size"},
		"36":   {Kind: fault.Invalid, Say: "Daraz refuses the status filter"},
		"70":   {Kind: fault.Invalid, Say: "Daraz refuses the list of SKUs"},
		"204":  {Kind: fault.Invalid, Say: "too many SKUs at once"},
		"208":  {Kind: fault.NotFound, Say: "Daraz does not know this product"},
		"212":  {Kind: fault.Conflict, Say: "the number is below what Daraz has promised already"},
		"501":  {Kind: fault.Refused, Say: "Daraz refuses the update"},
		"506":  {Kind: fault.Unavailable, Say: "Daraz could not read its products", After: time.Second},
		"4104": {Kind: fault.Invalid, Say: "the price has too many decimals"},
		"4121": {Kind: fault.Invalid, Say: "the price has too many decimals"},
		"4117": {Kind: fault.Invalid, Say: "the sale begins after it ends"},
		"4119": {Kind: fault.Refused, Say: "the sale price is outside what Daraz allows"},
		"4118": {Kind: fault.Invalid, Say: "the price is zero"},
		"4128": {Kind: fault.Forbidden, Say: "Daraz has locked the shop"},
		"4170": {Kind: fault.Refused, Say: "during a mega campaign stock may rise and not fall"},
		"4171": {Kind: fault.Invalid, Say: "too many SKUs at once"},
		"4225": {Kind: fault.Refused, Say: "Daraz keeps the stock of this item itself"},
	}
)

// ask is one call about the shop.
type ask struct {
	method string
	path   string // the name of the path, see defaultPaths
	params map[string]string
	effect bool
	codes  map[string]iop.Code
	heed   func(iop.Failure) // hears a refusal as Daraz said it
}

func get(path string, codes map[string]iop.Code, params map[string]string) ask {
	return ask{method: http.MethodGet, path: path, params: params, codes: codes}
}

// post is a call that must not be repeated blindly.
func post(path string, codes map[string]iop.Code, params map[string]string) ask {
	return ask{method: http.MethodPost, path: path, params: params, codes: codes, effect: true}
}

// call makes a call with the account's token. Only a token that Daraz calls illegal is worth a refresh: a wrong signature or app key is Unauthorized
// too, and would burn one refresh token per call.
func (s *shop) call(ctx context.Context, a ask) (iop.Answer, error) {
	if s.cfg.Tokens == nil {
		return iop.Answer{}, fault.New(fault.Unauthorized, "the account has no tokens")
	}
	var answer iop.Answer
	var ours error
	err := channel.WithToken(ctx, s.cfg.Tokens, func(ctx context.Context, token string) error {
		var err error
		ours = nil
		answer, err = s.api.Do(ctx, iop.Call{
			Method: a.method, Path: s.paths[a.path], Params: a.params, Token: token, Effect: a.effect, Codes: a.codes, Heed: a.heed,
		})
		if fault.Is(err, fault.Unauthorized) && fault.CodeOf(err) != iop.IllegalAccessToken {
			ours = err
			return nil
		}
		return err
	})
	if ours != nil {
		return iop.Answer{}, ours
	}
	return answer, err
}

// into makes a call and reads its payload.
func (s *shop) into(ctx context.Context, a ask, v any) error {
	answer, err := s.call(ctx, a)
	if err != nil {
		return err
	}
	return answer.Decode(v)
}

// rowVerdict is the part that every row of a fulfilment answer has: 200, code 0 and success true say nothing about it.
type rowVerdict struct {
	Code  iop.Scalar `json:"item_err_code"`
	Text  iop.Scalar `json:"msg"`
	Retry iop.Scalar `json:"retry"`
}

// err is the row's verdict; retry, when Daraz says so, wins over what the code means to us.
func (r rowVerdict) err() error {
	if r.Code == "0" || r.Code == "" {
		return nil
	}
	f := iop.Failure{Code: r.Code.String(), Message: r.Text.String(), Inner: true}
	err := iop.Classify(f, fulfilCodes, false)
	if r.Retry.Bool() && !fault.Temporary(err) {
		return &fault.Error{Kind: fault.Unavailable, Message: "Daraz says to try again", Code: r.Code.String(), Err: err}
	}
	return err
}

// jsonText is v as the compact JSON that goes into a parameter.
func jsonText(v any) string {
	b, err := json.Marshal(v)
	if err != nil { // only types of our own are given
		return ""
	}
	return string(b)
}
