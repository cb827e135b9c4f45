<?php
/*
Plugin Name: Sportello comments
Description: Comments become tickets in Sportello; what agents answer there becomes replies here.
Version: 1.0
Requires at least: 5.5
Requires PHP: 7.4

Put this file into wp-content/plugins/ and activate it, or into wp-content/mu-plugins/. In wp-config.php:

    define('SPORTELLO_DESK', 'https://help.your-shop.example');   // where the desk is
    define('SPORTELLO_CHANNEL', 'blog-comments-x7k2mp');          // the last part of the channel's address
    define('SPORTELLO_KEY', 'spc_…');                             // opens the channel's door
    define('SPORTELLO_SECRET', 'sps_…');                          // signs what comes back
    define('SPORTELLO_VERIFIED', true);                           // only if every account here has confirmed its mail address

The address for answers, to be entered on the channel's page, is
https://your-shop.example/?rest_route=/sportello/v1/answers
*/

if (!defined('ABSPATH')) {
    exit;
}

// Hours after which a comment that the desk could not be told is given up.
const SPORTELLO_PATIENCE = 24;

/** Tells the desk something. What it did not hear is told again in five minutes: the ids make that harmless. */
function sportello_send($method, $path, $body, $since = null) {
    $answer = wp_remote_request(SPORTELLO_DESK . '/api/v1/channels/' . SPORTELLO_CHANNEL . $path, [
        'method'      => $method,
        'timeout'     => 8,
        'redirection' => 0,
        'headers'     => ['Authorization' => 'Bearer ' . SPORTELLO_KEY, 'Content-Type' => 'application/json'],
        'body'        => wp_json_encode($body),
    ]);
    $status = is_wp_error($answer) ? 0 : (int) wp_remote_retrieve_response_code($answer);
    if ($status >= 200 && $status < 300) {
        return true;
    }
    $since = $since ?: time();
    // Refused for good: wrong key, or nothing that the desk can read. It stands in the log.
    if ($status >= 400 && $status < 500 && $status !== 408 && $status !== 429) {
        error_log("Sportello refused $method $path: $status " . wp_remote_retrieve_body($answer));
    } elseif (time() - $since < SPORTELLO_PATIENCE * HOUR_IN_SECONDS) {
        wp_schedule_single_event(time() + 300, 'sportello_again', [$method, $path, $body, $since]);
    }
    return false;
}
add_action('sportello_again', 'sportello_send', 10, 4);

/** The comment that a thread began with: all of it is one ticket. */
function sportello_root($comment) {
    for ($depth = 0; $comment->comment_parent && $depth < 50; $depth++) {
        $parent = get_comment($comment->comment_parent);
        if (!$parent) {
            break;
        }
        $comment = $parent;
    }
    return $comment;
}

/** Whether somebody of the shop wrote it. */
function sportello_is_ours($comment) {
    return $comment->user_id && user_can((int) $comment->user_id, 'moderate_comments');
}

function sportello_plain($html) {
    return trim(html_entity_decode(wp_strip_all_tags($html), ENT_QUOTES, 'UTF-8'));
}

function sportello_words($comment) {
    return sportello_plain($comment->comment_content);
}

/** Tells the desk a comment that everybody can read. Trackbacks, and what came from the desk, stay here. */
function sportello_tell($id) {
    $comment = get_comment($id);
    if (!$comment || $comment->comment_approved !== '1' || !in_array($comment->comment_type, ['', 'comment'], true)
        || get_comment_meta($comment->comment_ID, 'from_sportello', true)) {
        return;
    }
    $root = sportello_root($comment);
    $ours = sportello_is_ours($comment);
    // Our own words belong to the customer's conversation; a thread that we began ourselves is none.
    $who = $ours ? $root : $comment;
    if ($ours && sportello_is_ours($root)) {
        return;
    }
    $mail = strtolower(trim($who->comment_author_email));
    update_comment_meta($comment->comment_ID, 'told_sportello', '1');
    $post = get_post($comment->comment_post_ID);
    sportello_send('POST', '/messages', [
        'id'           => (string) $comment->comment_ID,
        'conversation' => 'comment-' . $root->comment_ID,
        'contact'      => [
            'identifier' => $who->user_id ? 'user-' . $who->user_id : ($mail ? 'guest-' . md5($mail) : 'comment-' . $who->comment_ID),
            'name'       => $who->comment_author ?: null,
            'email'      => $mail ?: null,
            // Whoever types an address may not be its owner; nor is it certain that an account's address was ever confirmed.
            'verified'   => $who->user_id && defined('SPORTELLO_VERIFIED') && SPORTELLO_VERIFIED,
        ],
        'by'       => $ours ? 'shop' : 'customer',
        'text'     => sportello_words($comment),
        'at'       => gmdate('Y-m-d\TH:i:s\Z', strtotime($comment->comment_date_gmt . ' UTC')),
        'public'   => true,
        'reply_to' => $comment->comment_parent ? (string) $comment->comment_parent : null,
        'post'     => ['id' => (string) $post->ID, 'url' => get_permalink($post), 'text' => sportello_plain(get_the_title($post))],
    ]);
}
add_action('wp_insert_comment', 'sportello_tell');

/** Whether the desk has heard of a comment. */
function sportello_was_told($id) {
    return (bool) get_comment_meta($id, 'told_sportello', true);
}

add_action('edit_comment', function ($id) {
    $comment = get_comment($id);
    if ($comment && $comment->comment_approved === '1' && sportello_was_told($id)) {
        sportello_send('PATCH', '/messages/' . $id, ['text' => sportello_words($comment)]);
    }
});

add_action('transition_comment_status', function ($new, $old, $comment) {
    $id = $comment->comment_ID;
    $told = sportello_was_told($id);
    if ($new === 'approved' && !$told) {
        sportello_tell($id);
    } elseif ($new === 'approved') {
        // It may have been corrected while nobody could read it; and out of the bin it is there again.
        sportello_send('PATCH', '/messages/' . $id, [
            'text'     => sportello_words(get_comment($id)),
            'hidden'   => false,
            'restored' => in_array($old, ['trash', 'spam'], true),
        ]);
    } elseif (in_array($new, ['trash', 'spam'], true) && $told) {
        sportello_send('DELETE', '/messages/' . $id, new stdClass());
    } elseif ($new === 'unapproved' && $old === 'approved' && $told) {
        sportello_send('PATCH', '/messages/' . $id, ['hidden' => true]);
    }
}, 10, 3);

// Deleted at once, past the bin: a moment later nothing is known of it any more.
add_action('delete_comment', function ($id) {
    if (sportello_was_told($id) && !in_array(get_comment($id)->comment_approved, ['trash', 'spam'], true)) {
        sportello_send('DELETE', '/messages/' . $id, new stdClass());
    }
});

/** What agents answer. */
function sportello_answer(WP_REST_Request $request) {
    $raw = $request->get_body();
    $at = (string) $request->get_header('Sportello-Timestamp');
    $right = 'sha256=' . hash_hmac('sha256', "$at.$raw", SPORTELLO_SECRET);
    if (abs(time() - (int) $at) > 300 || !hash_equals($right, (string) $request->get_header('Sportello-Signature'))) {
        return new WP_REST_Response(['error' => 'The signature is wrong.'], 401);
    }
    $told = json_decode($raw, true);
    if (($told['event'] ?? '') !== 'message') {
        return ['ok' => true];
    }
    // The same answer may come twice. What is signed tells it again, not a header that anybody could change.
    $answer = (string) ($told['message']['id'] ?? '');
    if ($answer === '') {
        return new WP_REST_Response(['error' => 'The answer has no id.'], 422);
    }
    $known = get_comments(['meta_key' => 'from_sportello', 'meta_value' => $answer, 'number' => 1, 'status' => 'any']);
    if ($known) {
        return ['id' => (string) $known[0]->comment_ID];
    }
    $root = (int) str_replace('comment-', '', (string) ($told['conversation'] ?? ''));
    $parent = get_comment((int) ($told['message']['reply_to'] ?? 0)) ?: get_comment($root);
    if (!$parent) {
        return new WP_REST_Response(['error' => 'The comment is gone.'], 422);
    }
    if (!empty($told['message']['attachments'])) {
        return new WP_REST_Response(['error' => 'Comments take no files. Leave them out, or link to them.'], 422);
    }
    $id = wp_insert_comment(wp_slash([
        'comment_post_ID'      => $parent->comment_post_ID,
        'comment_parent'       => $parent->comment_ID,
        'comment_author'       => ($told['agent']['name'] ?? '') ?: get_bloginfo('name'),
        'comment_author_email' => get_option('admin_email'),
        'comment_author_url'   => home_url('/'),
        'comment_content'      => esc_html($told['message']['text']),
        'comment_approved'     => 1,
        'comment_meta'         => ['from_sportello' => $answer],
    ]));
    return $id ? ['id' => (string) $id] : new WP_REST_Response(['error' => 'WordPress did not store it.'], 500);
}
add_action('rest_api_init', function () {
    register_rest_route('sportello/v1', '/answers', [
        'methods'             => 'POST',
        'permission_callback' => '__return_true', // the signature decides
        'callback'            => 'sportello_answer',
    ]);
});
