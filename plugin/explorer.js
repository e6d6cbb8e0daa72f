/* A study's page in Orthanc Explorer: a panel with axnode's state and result, and a button. Whatever
 * comes from a study is put in as text, never as markup. */
(function () {
  'use strict';

  var STATES = {
    none: 'Not analysed', queued: 'Waiting', running: 'Being analysed', storing: 'Being stored',
    forwarded: 'Sent to axnode; its report has not come yet', done: 'Analysed', failed: 'Failed'
  };
  var BUSY = { queued: 1, running: 1, storing: 1, forwarded: 1 };
  var timer = null;

  function line(panel, name, text) {
    if (text) {
      panel.append($('<p>').append($('<strong>').text(name + ': ')).append($('<span>').text(text)));
    }
  }

  function list(value) {
    return value && value.length ? value : [];
  }

  function percent(value) {
    return (100 * value).toFixed(1) + ' %';
  }

  function showRisk(panel, model, risk) {
    if (!risk.estimated || typeof risk.probability !== 'number') {
      line(panel, 'Risk', 'none');
      return;
    }
    var words = percent(risk.probability);
    if (typeof risk.low === 'number' && typeof risk.high === 'number') {
      words += ' (' + percent(risk.low) + ' to ' + percent(risk.high) + ')';
    }
    line(panel, model.outcome || 'Estimated risk', words + (risk.group ? ', ' + risk.group : ''));
  }

  function showResult(panel, answer) {
    var result = answer.result, model = result['package'] || {}, risk = result.risk || {};
    showRisk(panel, model, risk);
    $.each(list(risk.reasons), function (_, reason) {
      line(panel, 'Why there is none', reason);
    });
    if (model.name) {
      line(panel, 'Package', model.name + ' ' + (model.version || ''));
    }
    line(panel, 'Intended use', model.intended_use);
    line(panel, 'Status', result.status);
  }

  function show(study, answer) {
    var panel = $('#axnode-panel').empty();
    line(panel, 'State', STATES[answer.state] || answer.state);
    line(panel, 'Reason', answer.reason);
    if (answer.generation) {
      line(panel, answer.state === 'done' ? 'Report' : 'Earlier report',
           'generation ' + answer.generation + ', ' + answer.created);
      if (answer.result) {
        showResult(panel, answer);
      }
      if (answer.result && answer.state === 'done') {
        panel.append($('<p>').append($('<a>').attr({
          href: '../axnode/studies/' + study + '/report', target: '_blank', rel: 'external'
        }).text('The whole report')));
      }
    }
    clearTimeout(timer);
    if (BUSY[answer.state]) {
      timer = setTimeout(function () { look(study); }, 2000);
    }
  }

  function fail(words) {
    $('#axnode-panel').empty().append($('<p>').text(words));
  }

  function look(study) {
    if ($.mobile.pageData && $.mobile.pageData.uuid === study) {
      $.ajax({ url: '../axnode/studies/' + study, dataType: 'json', cache: false })
        .done(function (answer) { show(study, answer); })
        .fail(function () { fail('axnode does not answer.'); });
    }
  }

  function analyse(study) {
    $.ajax({ url: '../axnode/studies/' + study + '/analyze', type: 'POST', data: '' })
      .done(function () { look(study); })
      .fail(function () { fail('The study could not be queued.'); });
  }

  function addTo(page) {
    if ($('#axnode-panel').length) {
      return;
    }
    var button = $('<a>').attr({ id: 'axnode-analyze', 'data-role': 'button', href: '#',
                                 'data-icon': 'search', 'data-theme': 'e' })
      .text('Analyse with axnode').click(function (event) {
        event.preventDefault();
        analyse($.mobile.pageData.uuid);
      });
    var box = $('<div>').attr('id', 'axnode').append($('<h3>').text('axnode'))
      .append($('<div>').attr('id', 'axnode-panel')).append(button);
    page.find('#study-info').parent().append(box);
    button.button();
  }

  $('#study').live('pagebeforeshow', function () {
    addTo($(this));
    $('#axnode-panel').empty();
  });
  $('#study').live('pageshow', function () {
    if ($.mobile.pageData && $.mobile.pageData.uuid) {
      look($.mobile.pageData.uuid);
    }
  });
})();
