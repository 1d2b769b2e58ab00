;;; hirope.el --- Suggestions by hirope-ls as ghost text -*- lexical-binding: t -*-

;; Version: 0.1.0
;; Package-Requires: ((emacs "30.1"))
;; Keywords: languages, convenience
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; Eglot runs the server and keeps it informed; this asks it for textDocument/inlineCompletion, which Eglot does not
;; know, and draws the answer.  A suggestion is kept with the place it was made for: what is typed since then is compared
;; with it, without a request.  No key is bound unless you bind it, see README.md.

;;; Code:

(require 'eglot)

(defgroup hirope nil "Suggestions by hirope-ls." :group 'eglot)

(defcustom hirope-delay 0.04 "Seconds after a key before a suggestion is asked for." :type 'number)

(defface hirope-ghost '((t :inherit shadow :slant italic)) "What is suggested.")

(defclass hirope-server (eglot-lsp-server) () :documentation "A server that is asked for ghost text.")

(cl-defmethod eglot-client-capabilities ((_server hirope-server))
  "As Eglot's, and that ghost text is shown, so that the server puts nothing into the completion menu."
  (let ((all (cl-call-next-method)))
    (plist-put all :textDocument
               (plist-put (plist-get all :textDocument) :inlineCompletion '(:dynamicRegistration :json-false)))))

(cl-defstruct hirope--suggestion
  text                                  ; from `start' on
  start                                 ; the place that it was made for
  end                                   ; where what it replaces ended, counted from the buffer's end
  size)                                 ; of the buffer without what was typed since

(defvar-local hirope--shown nil "The suggestion in this buffer.")
(defvar-local hirope--overlay nil "What draws it.")
(defvar-local hirope--tick nil "State of the text for which something is asked or shown.")
(defvar-local hirope--timer nil)

(defun hirope--rest ()
  "What of the suggestion is not typed yet; nil if it does not fit any more."
  (when-let* ((it hirope--shown)
              (start (hirope--suggestion-start it))
              ((<= start (point) (point-max)))
              (typed (buffer-substring-no-properties start (point)))
              ((= (buffer-size) (+ (hirope--suggestion-size it) (length typed))))
              ((string-prefix-p typed (hirope--suggestion-text it))))
    (let ((rest (substring (hirope--suggestion-text it) (length typed))))
      (unless (string-empty-p rest) rest))))

(defun hirope-shown-p ()
  "Whether a suggestion is on the screen."
  (and hirope--overlay (overlay-buffer hirope--overlay) (hirope--rest) t))

(defun hirope--hide ()
  (setq hirope--shown nil)
  (when hirope--overlay (delete-overlay hirope--overlay)))

(defun hirope--draw ()
  "Show what is left of the suggestion; nil if nothing is."
  (if-let* ((rest (hirope--rest))
            (ghost (propertize rest 'face 'hirope-ghost)))
      (progn
        (put-text-property 0 1 'cursor t ghost)
        (unless hirope--overlay (setq hirope--overlay (make-overlay (point) (point))))
        (move-overlay hirope--overlay (point) (point) (current-buffer))
        (overlay-put hirope--overlay 'after-string ghost))
    (hirope--hide)
    nil))

(defun hirope--server ()
  "The server of this buffer, if it is one of ours."
  (let ((server (eglot-current-server)))
    (and (hirope-server-p server) (jsonrpc-running-p server) server)))

(defun hirope--answered (buffer tick result)
  "Show RESULT in BUFFER, if that is still as it was at TICK."
  (when (and (buffer-live-p buffer) (eq buffer (window-buffer)))
    (with-current-buffer buffer
      (when (equal tick (hirope--now))
        (when-let* ((items (append (if (vectorp result) result (plist-get result :items)) nil))
                    (range (eglot-range-region (plist-get (car items) :range))))
          (setq hirope--shown (make-hirope--suggestion
                               :text (string-replace "\r\n" "\n" (plist-get (car items) :insertText))
                               :start (car range) :end (- (point-max) (cdr range)) :size (buffer-size)))
          (hirope--draw))))))

(defun hirope--now ()
  "The state of the text: as long as it is the same, so is the answer."
  (list (buffer-chars-modified-tick) (point)))

(defun hirope--ask (kind)
  "Ask the server; KIND is 1 by hand, 2 while typing.  Newer requests end older ones there."
  (when-let* ((server (hirope--server)) (buffer (current-buffer)) (tick (hirope--now)))
    (eglot--signal-textDocument/didChange)
    (jsonrpc-async-request
     server :textDocument/inlineCompletion
     (append (eglot--TextDocumentPositionParams) `(:context (:triggerKind ,kind)))
     :success-fn (lambda (result) (hirope--answered buffer tick result))
     :error-fn #'ignore)))

(defun hirope--later (buffer)
  (when (and (buffer-live-p buffer) (eq buffer (window-buffer)))
    (with-current-buffer buffer (hirope--ask 2))))

(cl-defmethod eglot-handle-notification ((server hirope-server) (_method (eql hirope/ready)) &rest _)
  "The model is loaded: what was typed meanwhile has no answer yet."
  (with-current-buffer (window-buffer)
    (when (and hirope-mode hirope--tick (eq server (hirope--server))) (hirope--ask 2))))

(defun hirope--after-command ()
  "Something was typed, or the cursor moved."
  (unless (equal hirope--tick (hirope--now))
    (let ((typed (not (eq (car hirope--tick) (buffer-chars-modified-tick)))))
      (setq hirope--tick (hirope--now))
      (when hirope--timer (cancel-timer hirope--timer))
      (unless (or (hirope--draw) (not typed))
        (setq hirope--timer (run-with-timer hirope-delay nil #'hirope--later (current-buffer)))))))

(defun hirope--take (part)
  "Insert the beginning of the suggestion that PART, a function, returns; one step for undo."
  (when-let* ((rest (hirope--rest)) (first (funcall part rest)))
    (undo-boundary)
    (let ((end (- (point-max) (hirope--suggestion-end hirope--shown))))
      (when (and (equal first rest) (> end (point))) (delete-region (point) end)))
    (insert first)
    (undo-boundary)))

(defun hirope-accept ()
  "Take all of the suggestion."
  (interactive)
  (hirope--take #'identity))

(defun hirope-accept-word ()
  "Take its first word."
  (interactive)
  (hirope--take (lambda (rest) (and (string-match "\\`[ \t\n]*\\(?:\\(?:\\w\\|_\\)+\\|[^[:alnum:]_ \t\n]+\\)" rest)
                                    (match-string 0 rest)))))

(defun hirope-accept-line ()
  "Take its first line."
  (interactive)
  (hirope--take (lambda (rest) (and (string-match "\\`\n*[^\n]*" rest) (match-string 0 rest)))))

(defun hirope-dismiss ()
  "Take the suggestion away."
  (interactive)
  (hirope--hide))

(defun hirope-trigger ()
  "Ask for a suggestion now."
  (interactive)
  (hirope--hide)
  (hirope--ask 1))

(defvar-keymap hirope-mode-map :doc "Keys of `hirope-mode': none, until you bind some.")

(defun hirope-bind (key command)
  "Let KEY do COMMAND while a suggestion is shown, and what it did before otherwise."
  (keymap-set hirope-mode-map key
              `(menu-item "" ,command :filter ,(lambda (it) (and (hirope-shown-p) it)))))

;;;###autoload
(define-minor-mode hirope-mode
  "Show suggestions by hirope-ls as ghost text, in a buffer that Eglot manages."
  :lighter " HiRoPE"
  (if hirope-mode
      (add-hook 'post-command-hook #'hirope--after-command nil t)
    (remove-hook 'post-command-hook #'hirope--after-command t)
    (hirope--hide)))

(defun hirope--managed ()
  "Have ghost text in the buffers that the server is for."
  (hirope-mode (if (and (eglot-managed-p) (hirope-server-p (eglot-current-server))) 1 -1)))

;;;###autoload
(defun hirope-setup (&rest modes)
  "Have Eglot start hirope-ls in MODES, by default Python's, and show what it suggests."
  (setf (alist-get (or modes '(python-mode python-ts-mode)) eglot-server-programs nil nil #'equal)
        '(hirope-server "hirope-ls" "--stdio"))
  (add-hook 'eglot-managed-mode-hook #'hirope--managed))

(provide 'hirope)
;;; hirope.el ends here
