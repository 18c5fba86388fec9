package console

import (
	"net/http"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/web/api"
)

type problemPage struct {
	Status int
	Detail string
	Try    string
}

// titles say what happened, by kind; tries say what can be done about it.
var titles = map[fault.Kind]string{
	fault.Internal:       "Something went wrong on our side",
	fault.Invalid:        "That input is not right",
	fault.NotFound:       "Nothing is found here",
	fault.Conflict:       "That is not possible as things stand",
	fault.Unauthorized:   "Please sign in again",
	fault.Forbidden:      "You may not do that",
	fault.Throttled:      "That was too often: wait a moment",
	fault.Unavailable:    "It does not answer right now",
	fault.Refused:        "The other side refused it",
	fault.OutcomeUnknown: "We do not know whether it happened",
	fault.Full:           "The disk or quota is full",
}

var tries = map[fault.Kind]string{
	fault.Internal:       "Try again. If it happens again, tell whoever looks after this system when it happened.",
	fault.Invalid:        "Go back, correct it and send it again.",
	fault.NotFound:       "Check the address, or search for it with the field above.",
	fault.Conflict:       "Open the page again: somebody may have been faster.",
	fault.Unauthorized:   "Your session has ended.",
	fault.Forbidden:      "Ask somebody who may, or have your role changed.",
	fault.Throttled:      "Wait a minute, then try again.",
	fault.Unavailable:    "Try again in a minute. Nothing was lost.",
	fault.Refused:        "Read the reason, correct the cause, then try again.",
	fault.OutcomeUnknown: "Look at the partner's side before you repeat it.",
	fault.Full:           "Free some space; until then nothing new can be kept.",
}

func titleOf(err error) string { return titles[fault.KindOf(err)] }

// problem answers with a page that says what happened and what to try.
func (v *visit) problem(err error) {
	status := api.ProblemOf(err).Status
	data := problemPage{status, fault.Message(err), v.T(tries[fault.KindOf(err)])}
	v.status = status
	if v.partial() {
		err = v.part("problem", "partial", data)
	} else {
		err = v.page("problem", titleOf(err), data)
	}
	if err != nil {
		v.Log.Error("problem page", "err", err)
		http.Error(v.w, "something went wrong", http.StatusInternalServerError)
	}
}
